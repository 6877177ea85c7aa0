/** What a node's last run came to, in a sentence. */

import { element, useStyles } from './dom.js'

export class StatusLine {
  static height = 60

  constructor() {
    useStyles()
    this.element = element('div', { className: 'gpen-widget gpen-status', role: 'status' })
  }

  show(text) {
    this.element.textContent = text
    this.element.title = text
  }

  dispose() {}
}
