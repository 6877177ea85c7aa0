/** Puts our widgets on our nodes. */

import { FaceCompare } from './face_compare.js'
import { FacePicker } from './face_picker.js'
import {
  addElement, chain, changed, fileUrl, foldAdvanced, lastOutput, openNodes, outputsOfLastRuns, registerExtension
} from './host.js'
import { StatusLine } from './status_line.js'

const PICKER_HEIGHT = 260 // pixels of the node, at least
const COMPARE_HEIGHT = 320
const WIDTH = 340 // of a new node with a picture
const OURS = /^GPEN_/
const shows = new WeakMap() // node → what shows its outputs
let reloaded = true // until the first workflow is open: the one that was open before the page was reloaded

registerExtension({
  name: 'GPEN.Faces',

  getCustomWidgets() {
    return { GPEN_PICKS: addPicker }
  },

  nodeCreated(node) {
    const kind = node.constructor.comfyClass ?? ''
    if (kind === 'GPEN_CompareFaces') addCompare(node)
    if (!OURS.test(kind)) return
    addStatus(node)
    foldAdvanced(node)
  },

  async afterConfigureGraph() {
    if (!reloaded) return
    reloaded = false
    const found = await outputsOfLastRuns()
    for (const node of openNodes()) {
      const { kind, output } = found[node.id] ?? {}
      if (kind !== node.constructor.comfyClass || lastOutput(node)) continue
      for (const show of shows.get(node) ?? []) show(output)
    }
  }
})

function addPicker(node, name) {
  const picker = new FacePicker({ pictureUrl: fileUrl, onPick: () => changed(node) })
  const widget = addElement(node, name, 'GPEN_PICKS', picker, { height: PICKER_HEIGHT, valued: true })
  showOutputs(node, ({ gpen_selection: [report] = [] }) => report && picker.show(report))
  return { widget, minWidth: WIDTH }
}

function addCompare(node) {
  const compare = new FaceCompare()
  addElement(node, 'compare', 'GPEN_COMPARE', compare, { height: COMPARE_HEIGHT })
  node.setSize([Math.max(node.size[0], WIDTH), Math.max(node.size[1], node.computeSize()[1])])
  showOutputs(node, ({ gpen_compare: [{ pairs, faces, note }] = [{}] }) => {
    if (!pairs) return
    const addresses = pairs.map((pair) => ({ ...pair, before: fileUrl(pair.before), after: fileUrl(pair.after) }))
    compare.show(addresses, faces, note)
  })
}

/** The line below a node that says what its last run came to; it appears with the first run. */
function addStatus(node) {
  let line = null
  showOutputs(node, ({ gpen_status: texts, gpen_notice: notice }) => {
    if (!texts?.length) return
    if (!line) {
      line = new StatusLine()
      addElement(node, 'gpen_status', 'GPEN_STATUS', line, { height: StatusLine.height, grows: false })
      const [width, height] = node.computeSize()
      node.setSize([Math.max(node.size[0], width), Math.max(node.size[1], height)])
    }
    line.show(texts.join(' '), Boolean(notice?.[0]))
  })
}

/** Call `show` with what the node gives to the page: after a run, and where the page still knows it from an earlier one. */
function showOutputs(node, show) {
  shows.set(node, [...(shows.get(node) ?? []), show])
  chain(node, 'onExecuted', (output) => show(output ?? {}))
  chain(node, 'onConfigure', () => queueMicrotask(() => show(lastOutput(node) ?? {})))
}
