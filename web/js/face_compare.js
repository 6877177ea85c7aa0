/** Before and after under a divider, from face to face, with what is known of each. */

import { CompareStage } from './compare_stage.js'
import { button, element, useStyles } from './dom.js'

const STEP = 0.05 // of the divider, by a key
const ZOOM = 1.25
const EMPTY = 'Run to compare.'
const HELP =
  'Before and after. Arrow keys: next and previous face. Shift and an arrow key: move the divider. ' +
  'Plus and minus: zoom. P: pixel scale. Home: whole picture.'
const SIDES = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }

/** The widget of a compare node. It keeps nothing: what it shows comes from the last run. */
export class FaceCompare {
  constructor() {
    useStyles()
    this.pairs = []
    this.faces = []
    this.stops = [] // {pair, face}: each picture as a whole, then its faces
    this.at = 0
    this.build()
  }

  build() {
    this.stage = new CompareStage({ help: HELP, onDivide: (share) => (this.slider.value = Math.round(share * 100)) })
    this.empty = element('p', { className: 'gpen-empty' }, EMPTY)
    this.stage.element.append(this.empty)
    this.stage.element.addEventListener('keydown', (event) => this.onKey(event))
    this.slider = element('input', {
      type: 'range', min: '0', max: '100', className: 'gpen-slider', 'aria-label': 'Divider between before and after'
    })
    this.slider.addEventListener('input', () => this.stage.divide(this.slider.value / 100))
    this.slider.addEventListener('keydown', (event) => event.stopPropagation())
    this.pixels = button('One pixel of the result on one of the screen (P)', '1:1', () => this.togglePixels())
    this.caption = element('div', { className: 'gpen-caption', role: 'status' })
    const bar = element(
      'div',
      { className: 'gpen-bar' },
      button('Previous face (left arrow)', '◀', () => this.step(-1)),
      button('Next face (right arrow)', '▶', () => this.step(1)),
      button('Whole picture (Home)', 'Fit', () => this.goTo(this.wholeOf(this.at))),
      this.pixels,
      button('Zoom out (-)', '−', () => this.stage.zoom(1 / ZOOM)),
      button('Zoom in (+)', '+', () => this.stage.zoom(ZOOM)),
      this.slider
    )
    this.element = element('div', { className: 'gpen-widget gpen-compare' }, this.stage.element, bar, this.caption)
    this.setPixels(false)
  }

  /**
   * Show the pictures of a run.
   *
   * @param {object[]} pairs {before, after, width, height}: addresses, and the size of the result in pixels
   * @param {object[]} faces {pair, name, box, facts: [[name, text]]}: box is {x, y, width, height} in shares of the picture
   * @param {string} note what else there is to say
   */
  show(pairs, faces, note = '') {
    this.note = note
    this.pairs = pairs
    this.faces = faces
    this.stops = pairs.flatMap((_, pair) => [
      { pair, face: null },
      ...faces.filter((face) => face.pair === pair).map((face) => ({ pair, face }))
    ])
    this.empty.hidden = pairs.length > 0
    this.element.classList.toggle('gpen-has-picture', pairs.length > 0)
    this.setPixels(false)
    this.goTo(0)
  }

  goTo(stop) {
    if (!this.stops[stop]) return
    this.at = stop
    const { pair, face } = this.stops[stop]
    this.stage.show(this.pairs[pair], face?.box ?? null)
    this.tell()
  }

  step(by) {
    const count = this.stops.length
    if (count) this.goTo((this.at + by + count) % count)
  }

  wholeOf(stop) {
    const pair = this.stops[stop]?.pair
    return this.stops.findIndex((other) => other.pair === pair && !other.face)
  }

  setPixels(on) {
    this.pixels.setAttribute('aria-pressed', String(on))
    this.stage.showPixels(on)
  }

  togglePixels() {
    this.setPixels(!this.stage.atPixels)
  }

  /** Say which face this is, and what is known of it. */
  tell() {
    const { face, pair } = this.stops[this.at]
    const facts = (face?.facts ?? []).map(([name, text]) =>
      element('div', {}, element('dt', {}, name), element('dd', {}, text))
    )
    this.caption.replaceChildren(
      element('strong', {}, face ? face.name : this.nameOfWhole(pair)),
      element('dl', { className: 'gpen-facts' }, ...facts)
    )
  }

  nameOfWhole(pair) {
    const count = this.faces.filter((face) => face.pair === pair).length
    const found = `${count || 'no'} face${count === 1 ? '' : 's'}`
    const name = this.pairs.length > 1 ? `Picture ${pair + 1} of ${this.pairs.length}` : 'Whole picture'
    return `${name}: ${found}. ${this.note}`
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const side = SIDES[event.key]
    const act = side
      ? () => (event.shiftKey ? this.stage.divide(this.stage.divider + side * STEP) : this.step(side))
      : this.keys()[event.key.toLowerCase()]
    if (!act) return
    event.preventDefault()
    event.stopPropagation() // the page has shortcuts of its own on these keys
    act()
  }

  keys() {
    return {
      home: () => this.goTo(this.wholeOf(this.at)),
      '+': () => this.stage.zoom(ZOOM),
      '=': () => this.stage.zoom(ZOOM),
      '-': () => this.stage.zoom(1 / ZOOM),
      p: () => this.togglePixels()
    }
  }

  /** Stop watching. The page takes the element away. */
  dispose() {
    this.stage.dispose()
  }
}
