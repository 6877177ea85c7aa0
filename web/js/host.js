/** The only file that touches ComfyUI's page: its addresses, its undo history, its canvas and its nodes. */

import { api } from '../../../scripts/api.js'
import { app } from '../../../scripts/app.js'

const MIDDLE = 1
const MIDDLE_HELD = 4

export function registerExtension(extension) {
  app.registerExtension(extension)
}

/** Address of a file that a node left in one of ComfyUI's folders. */
export function fileUrl({ filename, subfolder = '', type }) {
  return api.apiURL(`/view?${new URLSearchParams({ filename, subfolder, type })}`)
}

/**
 * Fold a node's advanced inputs in the classic renderer too, behind "Show Advanced" in its menu. Newer pages mark them for
 * Nodes 2.0 alone; older ones fold whatever says that it is advanced.
 */
export function foldAdvanced(node) {
  for (const widget of node.widgets ?? []) {
    if (!widget.advanced && !widget.options?.advanced) continue
    if (widget.visibility?.surfaces) widget.visibility.surfaces.canvas = 'advanced'
    else widget.advanced = true
    if (!widget.computeSize) takeNoRoomFolded(node, widget)
  }
  node.setSize([node.size[0], node.computeSize()[1]])
}

/** The page leaves room for folded widgets above those that grow; a height below its gap of 4 px takes that away. */
function takeNoRoomFolded(node, widget) {
  Object.defineProperty(widget, 'computeSize', {
    configurable: true,
    get: () => (window.LiteGraph?.vueNodesMode || node.showAdvanced ? undefined : () => [0, -4]),
    set: (value) => Object.defineProperty(widget, 'computeSize', { value, writable: true, configurable: true })
  })
}

/** Tell the page that a widget's value has changed, as one step of its undo history. */
export function changed(node) {
  app.canvas.emitBeforeChange()
  node.graph?.setDirtyCanvas?.(true, true)
  app.canvas.emitAfterChange()
}

/** What the node's last run gave to the page, if the page still knows it: after an undo, or in a tab left and reopened. */
export function lastOutput(node) {
  const inRoot = !node.graph || node.graph === app.graph || node.graph === app.rootGraph
  return app.nodeOutputs?.[inRoot ? String(node.id) : `${node.graph.id}:${node.id}`]
}

/**
 * What the nodes of the open workflow gave to the page when they last ran, as {node id: {kind, output}}: from the host's
 * history, since a page that was reloaded has forgotten it.
 */
export async function outputsOfLastRuns() {
  const answer = await api.fetchApi('/history?max_items=32')
  if (!answer.ok) return {}
  const workflow = app.rootGraph?.id ?? app.graph.id
  const runs = Object.values(await answer.json()).filter((run) => run.prompt?.[3]?.extra_pnginfo?.workflow?.id === workflow)
  const found = {}
  for (const { prompt, outputs } of runs.sort((a, b) => a.prompt[0] - b.prompt[0])) {
    for (const [id, output] of Object.entries(outputs ?? {})) found[id] = { kind: prompt[2]?.[id]?.class_type, output }
  }
  return found
}

/** All nodes of the workflow that is open, without those inside of subgraphs. */
export function openNodes() {
  return (app.rootGraph ?? app.graph).nodes
}

/** Call `handler` after a method that nodes may have, such as onExecuted. */
export function chain(node, name, handler) {
  const before = node[name]
  node[name] = function (...given) {
    const result = before?.apply(this, given)
    handler.apply(this, given)
    return result
  }
}

/**
 * A widget made of elements: `widget.element`, with `dispose` for when its node is removed.
 *
 * It takes the node's free room unless it may not grow. Only a widget that has a value is saved in the workflow and sent in the prompt.
 */
export function addElement(node, name, type, widget, { height, valued = false, grows = true }) {
  const value = valued
    ? { getValue: () => widget.value, setValue: (text) => (widget.value = text) }
    : { getValue: () => '', setValue: () => {} }
  const added = node.addDOMWidget(name, type, widget.element, {
    ...value, serialize: valued, hideOnZoom: false, margin: 8, getMinHeight: () => height
  })
  if (!valued) added.serialize = false // in the workflow; the option of this name is about the prompt
  if (!grows) Object.assign(added, { computeLayoutSize: undefined, computeSize: (width) => [width, height] })
  passOnCanvasGestures(widget.element)
  chain(node, 'onRemoved', () => {
    widget.dispose()
    widget.element.dataset.left = placeOf(node, name) // the page takes it away, unless the node comes back
  })
  chain(node, 'onConfigure', () => takePlace(widget.element, placeOf(node, name)))
  return added
}

/**
 * Nodes 2.0 draw a node that an undo made anew into the old one's place, and leave the old widget's element there.
 * Put the new one where the old one was.
 */
function takePlace(element, place) {
  const old = document.querySelector(`.gpen-widget[data-left="${CSS.escape(place)}"]`)
  if (window.LiteGraph?.vueNodesMode && old && old !== element) old.replaceWith(element)
}

function placeOf(node, name) {
  return `${node.graph?.id ?? ''}:${node.id}:${name}`
}

/** Zooming and panning the graph works over our widgets too. Nodes 2.0 see to that themselves. */
function passOnCanvasGestures(element) {
  const onCanvas = (method, applies) => (event) => {
    if (!window.LiteGraph?.vueNodesMode && applies(event)) app.canvas[method](event)
  }
  element.addEventListener('wheel', onCanvas('processMouseWheel', () => true))
  element.addEventListener('pointerdown', onCanvas('processMouseDown', (event) => event.button === MIDDLE))
  element.addEventListener('pointermove', onCanvas('processMouseMove', (event) => event.buttons & MIDDLE_HELD))
  element.addEventListener('pointerup', onCanvas('processMouseUp', (event) => event.button === MIDDLE))
}
