/** Two pictures of one shape, one over the other, and a divider between them that follows the pointer. */

import { element } from './dom.js'
import { around, closeUp, kept, whole, zoomed } from './view.js'

const NEAR_DIVIDER = 16 // pixels of the node
const SHARP = 2 // pixels of the screen for one of the picture: from here on, pixels are shown as squares
const SAME_ZOOM = 1e-3

/** `element` shows the pair; `onDivide` is told where the divider is, in shares of the width. */
export class CompareStage {
  constructor({ onDivide, help }) {
    this.onDivide = onDivide
    this.pair = null // {before, after, width, height}: addresses, and the size of the result in pixels
    this.area = null // what is looked at, {x, y, width, height} in shares of the picture; null: the whole picture
    this.atPixels = false // one pixel of the result on one of the screen
    this.divider = 0.5
    this.view = { scale: 1, x: 0, y: 0 }
    this.pressed = new Set() // pointers, by their ids
    this.build(help)
    this.observer = new ResizeObserver(() => this.look())
    this.observer.observe(this.element)
  }

  build(help) {
    const image = () => element('img', { className: 'gpen-compare-image', alt: '', draggable: false })
    this.images = { before: image(), after: image() }
    this.afterSide = element('div', { className: 'gpen-compare-side' }, this.images.after)
    this.line = element('div', { className: 'gpen-compare-line' })
    this.element = element(
      'div',
      { className: 'gpen-stage gpen-compare-stage', tabIndex: 0, role: 'group', 'aria-label': help },
      element('div', { className: 'gpen-compare-side' }, this.images.before),
      this.afterSide,
      this.line,
      element('span', { className: 'gpen-compare-label gpen-left' }, 'before'),
      element('span', { className: 'gpen-compare-label gpen-right' }, 'after')
    )
    this.element.addEventListener('pointerdown', (event) => this.onPointerDown(event))
    this.element.addEventListener('pointermove', (event) => this.onPointerMove(event))
    // Capture is lost, too, where the pointer ends outside or the browser takes it over.
    for (const end of ['pointerup', 'pointercancel', 'lostpointercapture'])
      this.element.addEventListener(end, (event) => this.onPointerUp(event))
  }

  /** Show a pair of pictures, and an area of it or all. */
  show(pair, area) {
    Object.assign(this, { pair, area })
    for (const [side, image] of Object.entries(this.images)) {
      if (image.src !== new URL(pair[side], location.href).href) image.src = pair[side]
      Object.assign(image.style, { width: `${pair.width}px`, height: `${pair.height}px` })
    }
    this.look()
  }

  get room() {
    return { width: this.element.clientWidth, height: this.element.clientHeight }
  }

  /** Look at the area, at the present size of the widget. */
  look() {
    const { pair, room, area } = this
    if (!pair || !room.width || !room.height) return
    if (this.atPixels) this.view = around(area ?? { x: 0.5, y: 0.5, width: 0, height: 0 }, pair, room, this.pixelScale())
    else this.view = area ? closeUp(area, pair, room) : whole(pair, room)
    this.place()
  }

  place() {
    const { scale, x, y } = this.view
    const sharp = scale / this.pixelScale() >= SHARP
    for (const image of Object.values(this.images)) {
      image.style.transform = `translate(${x}px, ${y}px) scale(${scale})`
      image.style.imageRendering = sharp ? 'pixelated' : ''
    }
    this.divide(this.divider)
  }

  zoom(factor) {
    if (!this.pair) return
    this.view = zoomed(this.view, factor, this.pair, this.room)
    this.place()
  }

  divide(share) {
    this.divider = Math.min(1, Math.max(0, share))
    this.afterSide.style.clipPath = `inset(0 0 0 ${this.divider * 100}%)`
    this.line.style.left = `${this.divider * 100}%`
    this.onDivide(this.divider)
  }

  /** How much the graph is zoomed. */
  graphZoom() {
    return this.element.getBoundingClientRect().width / this.element.offsetWidth || 1
  }

  /** Pixels of the node for one pixel of the screen. */
  pixelScale() {
    return 1 / (this.graphZoom() * window.devicePixelRatio)
  }

  showPixels(on) {
    this.atPixels = on
    this.look()
    this.followZoom()
  }

  /** At pixel scale, keep to it while the graph is zoomed: nothing tells a widget of that. */
  followZoom() {
    cancelAnimationFrame(this.following)
    if (!this.atPixels) return
    const scale = this.pixelScale()
    const follow = () => {
      const same = Math.abs(this.pixelScale() / scale - 1) < SAME_ZOOM
      if (same) this.following = requestAnimationFrame(follow)
      else this.showPixels(true)
    }
    this.following = requestAnimationFrame(follow)
  }

  onPointerDown(event) {
    if (event.button !== 0 || !this.pair) return
    if (event.isPrimary) this.pressed.clear() // the first finger: of earlier ones, nobody said that they were lifted
    this.pressed.add(event.pointerId)
    if (this.pressed.size > 1) return this.leaveToGraph()
    this.element.setPointerCapture(event.pointerId)
    const { scale } = this.view
    const larger = this.pair.width * scale > this.room.width + 1 || this.pair.height * scale > this.room.height + 1
    const { x, y } = this.placeOf(event)
    const onLine = Math.abs(x - this.divider * this.room.width) <= NEAR_DIVIDER
    this.drag = { movesPicture: larger && !onLine, x, y, view: this.view, divider: this.divider }
    if (!this.drag.movesPicture) this.divide(x / this.room.width)
  }

  onPointerMove(event) {
    if (!this.drag) return
    const { x, y } = this.placeOf(event)
    if (!this.drag.movesPicture) return this.divide(x / this.room.width)
    const { view } = this.drag
    this.view = kept({ ...view, x: view.x + x - this.drag.x, y: view.y + y - this.drag.y }, this.pair, this.room)
    this.place()
  }

  onPointerUp(event) {
    this.pressed.delete(event.pointerId)
    this.drag = null
  }

  /** Two fingers zoom the graph, as the wheel does: what the first of them did here is undone. */
  leaveToGraph() {
    if (!this.drag) return
    this.view = this.drag.view
    this.divider = this.drag.divider
    this.drag = null
    this.place()
  }

  /** Where a pointer is, in pixels of the node. */
  placeOf(event) {
    const { left, top } = this.element.getBoundingClientRect()
    const zoom = this.graphZoom()
    return { x: (event.clientX - left) / zoom, y: (event.clientY - top) / zoom }
  }

  dispose() {
    cancelAnimationFrame(this.following)
    this.observer.disconnect()
  }
}
