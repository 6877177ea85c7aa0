/** A picture with its faces, numbered: click, drag, touch or type to say which of them are restored. */

import { button, element, useStyles } from './dom.js'
import { FaceBoxes } from './face_boxes.js'
import { canRead, decide, readPicks, setTaken, withoutPick, writePicks } from './picks.js'

const EMPTY = 'Run to see the faces. This node can run alone, before anything is restored.'
const UNREADABLE = 'The saved picks cannot be read: Reset removes them.'
const NO_FACE = 'No face found.'

/** The widget of a node that selects faces. Its value is the text of picks.js; `onPick` is told of each change. */
export class FacePicker {
  constructor({ onPick, pictureUrl }) {
    useStyles()
    Object.assign(this, { onPick, pictureUrl })
    this.text = ''
    this.report = null // of the last run, see nodes/select.py
    this.page = 0
    this.build()
    this.observer = new ResizeObserver(() => this.layOut())
    this.observer.observe(this.stage)
    this.draw()
  }

  build() {
    this.boxes = new FaceBoxes({
      onToggle: (places) => this.toggle(new Set(places)),
      keys: { a: () => this.takeAll(), n: () => this.takeNone(), i: () => this.invert() }
    })
    this.empty = element('p', { className: 'gpen-empty' }, EMPTY)
    this.stage = element('div', { className: 'gpen-stage' }, this.boxes.element, this.empty)
    this.lost = element('ul', { className: 'gpen-lost', 'aria-label': 'Picks without a face' })
    this.caption = element('div', { className: 'gpen-caption', role: 'status' })
    this.pages = element('span', { className: 'gpen-page' })
    this.pager = element(
      'div',
      { className: 'gpen-pager' },
      button('Previous picture', '◀', () => this.turn(-1)),
      this.pages,
      button('Next picture', '▶', () => this.turn(1))
    )
    const bar = element(
      'div',
      { className: 'gpen-bar' },
      button('All faces of this picture (A)', 'All', () => this.takeAll()),
      button('None but the faces picked from now on (N)', 'None', () => this.takeNone()),
      button('Invert the choice in this picture (I)', 'Invert', () => this.invert()),
      button('Reset: forget all picks, the other widgets decide', 'Reset', () => this.change('')),
      this.pager
    )
    this.element = element('div', { className: 'gpen-widget gpen-picker' }, this.stage, bar, this.lost, this.caption)
  }

  /** The picks as they are saved. */
  get value() {
    return this.text
  }

  set value(text) {
    this.text = typeof text === 'string' ? text : ''
    this.draw()
  }

  /** Show what a run found. */
  show(report) {
    this.report = report
    this.page = Math.min(this.page, Math.max(0, report.pictures.length - 1))
    this.draw()
  }

  /** The picture that is shown; undefined before the first run. */
  get picture() {
    return this.report?.pictures[this.page]
  }

  get faces() {
    return this.report?.faces ?? []
  }

  get aspect() {
    return this.picture ? this.picture.width / this.picture.height : 1
  }

  /** Places, in the report, of the faces in the picture that is shown. */
  shown() {
    const frame = this.picture?.frame
    return new Set([...this.faces.keys()].filter((place) => this.faces[place].frame === frame))
  }

  draw() {
    const { picture } = this
    const decided = decide(readPicks(this.text), this.faces, this.aspect)
    this.empty.hidden = Boolean(picture)
    this.boxes.element.hidden = !picture
    if (picture) {
      const boxes = [...this.shown()].map((place) => ({ place, face: this.faces[place], decided: decided.faces[place] }))
      this.boxes.draw({ ...picture, address: this.pictureUrl(picture) }, boxes)
    }
    this.drawLost(this.report ? decided.lost : [])
    this.drawCaption(decided.faces)
    this.drawPager()
    this.layOut()
  }

  drawLost(lost) {
    this.lost.hidden = !lost.length
    this.lost.replaceChildren(
      ...lost.map(({ list, number, pick }) => {
        const where = `${Math.round(pick.x * 100)} % from the left, ${Math.round(pick.y * 100)} % from the top`
        const frame = this.report.frames > 1 ? ` of picture ${pick.frame}` : ''
        const remove = () => this.change(writePicks(withoutPick(readPicks(this.text), list, number)))
        return element(
          'li', {},
          `No face found where one was ${list === 'include' ? 'included' : 'excluded'}: ${where}${frame}. `,
          button('Remove this pick', 'Remove', remove)
        )
      })
    )
  }

  drawCaption(decided) {
    const count = decided.length
    const taken = decided.filter((face) => face.taken).length
    const { include, exclude } = readPicks(this.text)
    const waiting = include.length + exclude.length
    const texts = []
    if (!canRead(this.text)) texts.push(UNREADABLE)
    if (this.report) texts.push(count ? `${taken} of ${count} ${faces(count)} chosen.` : NO_FACE)
    else if (waiting) texts.push(`${waiting} ${faces(waiting)} picked.`)
    if (this.report?.absent?.length) texts.push(`There is no face ${this.report.absent.join(', ')}.`)
    this.caption.textContent = texts.join(' ')
    this.caption.hidden = !texts.length
  }

  drawPager() {
    const count = this.report?.pictures.length ?? 0
    this.pager.hidden = count < 2
    if (count < 2) return
    this.pages.textContent = `${this.page + 1} / ${count}`
    this.pages.title = `Picture ${this.picture.frame} of a batch of ${this.report.frames}`
  }

  layOut() {
    if (this.picture) this.boxes.layOut({ width: this.stage.clientWidth, height: this.stage.clientHeight })
  }

  turn(by) {
    const count = this.report.pictures.length
    this.page = (this.page + by + count) % count
    this.boxes.current = 0
    this.draw()
  }

  change(text) {
    if (text === this.text) return
    this.text = text
    this.draw()
    this.onPick()
  }

  /** The present picks, with some faces taken or left. */
  with(places, taken, picks = readPicks(this.text)) {
    return setTaken(picks, this.faces, places, taken, this.aspect)
  }

  takenOf(places) {
    const decided = decide(readPicks(this.text), this.faces, this.aspect).faces
    return new Set([...places].filter((place) => decided[place].taken))
  }

  /** Take all of these faces, or leave them where all were taken. */
  toggle(places) {
    this.change(writePicks(this.with(places, this.takenOf(places).size < places.size)))
  }

  takeAll() {
    this.change(writePicks(this.with(this.shown(), true)))
  }

  takeNone() {
    this.change(writePicks({ include: [], exclude: [], others: 'none' }))
  }

  invert() {
    const before = this.takenOf(this.shown())
    const others = new Set([...this.shown()].filter((place) => !before.has(place)))
    this.change(writePicks(this.with(others, true, this.with(before, false))))
  }

  /** Stop watching. The page takes the element away. */
  dispose() {
    this.observer.disconnect()
  }
}

function faces(count) {
  return count === 1 ? 'face' : 'faces'
}
