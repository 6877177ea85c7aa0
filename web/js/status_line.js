/** What a node's last run came to, in a sentence. */

import { element, useStyles } from './dom.js'

export class StatusLine {
  static height = 60

  constructor() {
    useStyles()
    this.element = element('div', { className: 'gpen-widget gpen-status', role: 'status' })
  }

  /** `notice`: something that should not be missed, such as that no face was found. */
  show(text, notice = false) {
    this.element.textContent = text
    this.element.title = text
    this.element.classList.toggle('gpen-notice', notice)
  }

  dispose() {}
}
