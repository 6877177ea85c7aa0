/** The numbered boxes over a picture: buttons to press, arrow keys between them, a band to drag round several. */

import { element } from './dom.js'
import { areaBetween, fit, holds, isArrow, nextArea } from './geometry.js'

const DRAG_STARTS = 4 // pixels of the screen
const SMALL = 36 // pixels of the node: in a smaller box, the number would hide the face
const LINE = 14 // height of a number
const STATES = {
  chosen: { sign: '✓', name: 'chosen' },
  included: { sign: '✓', name: 'included by hand' },
  excluded: { sign: '✕', name: 'excluded by hand' },
  limits: { sign: '–', name: 'outside the limits' },
  left_out: { sign: '', name: 'left out' }
}
const HELP =
  'Faces. Arrow keys move, space takes or leaves a face, A takes all, N none, I inverts. Drag a box round several.'

/**
 * A picture and the faces in it. `onToggle` gets a list of places, numbers of faces in the list last drawn; `keys` says what
 * letters do.
 */
export class FaceBoxes {
  constructor({ onToggle, keys }) {
    Object.assign(this, { onToggle, keys })
    this.boxes = [] // {place, face, area}, of the faces in this picture
    this.current = 0 // which of them has the keyboard's focus, or would get it
    this.picture = element('img', { className: 'gpen-picture', alt: '', draggable: false })
    this.layer = element('div', { className: 'gpen-faces', role: 'group', 'aria-label': HELP })
    this.band = element('div', { className: 'gpen-band', hidden: true })
    this.element = element('div', { className: 'gpen-frame' }, this.picture, this.layer, this.band)
    this.layer.addEventListener('keydown', (event) => this.onKey(event))
    this.layer.addEventListener('click', (event) => this.onClick(event))
    this.layer.addEventListener('focusin', (event) => this.goTo(this.orderOf(event.target), false))
    this.layer.addEventListener('pointerdown', (event) => this.onPointerDown(event))
    this.layer.addEventListener('pointermove', (event) => this.onPointerMove(event))
    for (const end of ['pointerup', 'pointercancel'])
      this.layer.addEventListener(end, (event) => this.onPointerUp(event))
  }

  /**
   * Show a picture and its faces.
   *
   * @param {{width: number, height: number, address: string}} picture its size in pixels
   * @param {{place: number, face: object, decided: object}[]} boxes faces of the node's report, and what becomes of each
   */
  draw(picture, boxes) {
    const hadFocus = this.layer.contains(document.activeElement)
    this.size = picture
    this.boxes = boxes.map((box) => ({ ...box, area: areaOf(box.face) }))
    if (this.picture.src !== new URL(picture.address, location.href).href) this.picture.src = picture.address
    this.layer.replaceChildren(...this.boxes.map(boxButton))
    this.goTo(Math.min(this.current, Math.max(0, boxes.length - 1)), hadFocus)
  }

  /** Take the largest size of the picture's shape in the room; boxes lie in it in percent, and follow. */
  layOut(room) {
    const { width, height } = fit(this.size, room)
    Object.assign(this.element.style, { width: `${width}px`, height: `${height}px` })
    this.boxes.forEach(({ area }, order) => {
      const { classList } = this.layer.children[order]
      classList.toggle('gpen-small', Math.min(area.width * width, area.height * height) < SMALL)
      classList.toggle('gpen-at-top', area.y * height < LINE)
    })
  }

  /** Make a box the one that the keyboard is at. */
  goTo(order, takeFocus = true) {
    this.current = order
    ;[...this.layer.children].forEach((box, other) => (box.tabIndex = other === order ? 0 : -1))
    if (takeFocus) this.layer.children[order]?.focus({ preventScroll: true })
  }

  onClick(event) {
    const order = this.orderOf(event.target)
    if (order < 0 || this.dragged) return
    this.current = order
    this.onToggle([this.boxes[order].place])
  }

  orderOf(target) {
    return [...this.layer.children].indexOf(target.closest('.gpen-face'))
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const { key } = event
    const act = isArrow(key) ? () => this.goTo(this.neighbor(key)) : this.jumps()[key] ?? this.keys[key.toLowerCase()]
    const isPress = key === ' ' || key === 'Enter' // which make a button click
    if (act || isPress) event.stopPropagation() // the page has shortcuts of its own on these keys
    if (!act) return
    event.preventDefault()
    act()
  }

  jumps() {
    return { Home: () => this.goTo(0), End: () => this.goTo(this.boxes.length - 1) }
  }

  neighbor(key) {
    const areas = this.boxes.map(({ area }) => area)
    return nextArea(areas, this.current, key, this.size.width / this.size.height)
  }

  onPointerDown(event) {
    this.dragged = false
    if (event.button === 0) this.drag = { x: event.clientX, y: event.clientY, start: this.placeOf(event), area: null }
  }

  onPointerMove(event) {
    const { drag } = this
    if (!drag) return
    if (!drag.area && Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < DRAG_STARTS) return
    if (!drag.area) this.layer.setPointerCapture(event.pointerId)
    drag.area = areaBetween(drag.start, this.placeOf(event))
    Object.assign(this.band.style, percent(drag.area))
    this.band.hidden = false
  }

  onPointerUp(event) {
    const area = this.drag?.area
    this.drag = null
    this.band.hidden = true
    if (!area) return
    this.dragged = true // no click on the box that the drag began in
    const inside = this.boxes.filter((box) => holds(area, box.area)).map(({ place }) => place)
    if (inside.length && event.type !== 'pointercancel') this.onToggle(inside)
  }

  /** Where the pointer is, in shares of the picture and never outside it. */
  placeOf(event) {
    const { left, top, width, height } = this.layer.getBoundingClientRect()
    const within = (share) => Math.min(1, Math.max(0, share))
    return { x: within((event.clientX - left) / width), y: within((event.clientY - top) / height) }
  }
}

function boxButton({ face, decided: { state, why, taken }, area }) {
  const { sign, name } = STATES[state] ?? STATES.left_out
  const quality = typeof face.quality === 'number' ? [`quality ${face.quality.toFixed(2)}`] : []
  const about = [`${face.width} × ${face.height} px`, ...quality, why && why !== name ? `${name}: ${why}` : name]
  const label = `Face ${face.index}, ${about.join(', ')}`
  return element(
    'button',
    {
      type: 'button', className: `gpen-face gpen-${state}`, title: label, style: percent(area),
      'aria-label': label, 'aria-pressed': String(taken), 'data-state': state
    },
    element('span', { className: 'gpen-number' }, `${face.index}${sign && ` ${sign}`}`)
  )
}

function areaOf({ box: [x0, y0, x1, y1] }) {
  return { x: x0, y: y0, width: x1 - x0, height: y1 - y0 }
}

function percent({ x, y, width, height }) {
  return { left: `${x * 100}%`, top: `${y * 100}%`, width: `${width * 100}%`, height: `${height * 100}%` }
}
