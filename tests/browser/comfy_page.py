"""ComfyUI's page in a browser: what a user does there, as methods."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from host_harness.http_server import HttpServer
    from playwright.sync_api import Browser, ConsoleMessage, FloatRect, Locator

SIZE = {"width": 1600, "height": 900}
LOAD_TIMEOUT_MS = 60_000
STEP_TIMEOUT_MS = 30_000  # of a machine that does other things too
CAMERA_MS = 600  # FitView flies there
PERSIST_MS = 1500  # after this the page has kept the workflow for its next load
READY = "Boolean(window.app?.vueAppReady && window.LiteGraph?.registered_node_types?.SaveImage)"
ACTIVE = "app.extensionManager.workflow.activeWorkflow"
OPENED = f"([name, before]) => {ACTIVE}.filename.startsWith(name) && {ACTIVE}.path !== before"
# The page keeps the last 32 tabs for its next load: with more, none is active after it.
CLOSE_OTHERS = """async () => {
  const {workflow} = app.extensionManager
  const others = workflow.openWorkflows.filter(one => one.path !== workflow.activeWorkflow.path)
  for (const other of others) await workflow.closeWorkflow(other)
}"""
SELECT = """type => {
  app.canvas.deselectAll()
  app.canvas.selectNode(app.rootGraph.nodes.find(node => node.type === type))
  app.canvas.setDirty(true, true)
}"""
EXTENT = """type => {
  const canvas = app.canvas.canvas.getBoundingClientRect(), {scale, offset} = app.canvas.ds
  const boxes = app.rootGraph.nodes.filter(node => !type || node.type === type).map(node => node.boundingRect)
  const edge = (axis, side) => boxes.map(box => box[axis] + (side ? box[axis + 2] : 0))
  const [x, y] = [Math.min(...edge(0, 0)), Math.min(...edge(1, 0))]
  const [right, bottom] = [Math.max(...edge(0, 1)), Math.max(...edge(1, 1))]
  return {x: (x + offset[0]) * scale + canvas.left, y: (y + offset[1]) * scale + canvas.top,
          width: (right - x) * scale, height: (bottom - y) * scale}
}"""
# Clearing the graph alone keeps what nodes showed, by their ids: the first new node would get the first old one's picture.
EMPTY = "app.clean(); app.rootGraph.clear()"
BUILD = (
    f"nodes => {{ {EMPTY}"
    + """
  const made = {}
  for (const {type, name, pos, size, values, inputs, title} of nodes) {
    const node = made[name] = LiteGraph.createNode(type)
    node.pos = pos
    if (title) node.title = title
    app.rootGraph.add(node)
    node.setSize(size)
    for (const [widget, value] of Object.entries(values ?? {}))
      node.widgets.find(found => found.name === widget).value = value
    for (const [input, [from, output]] of Object.entries(inputs ?? {})) {
      const place = made[from].outputs.findIndex(found => found.name === output)
      const slot = node.inputs.findIndex(found => found.name === input)
      if (place < 0 || slot < 0 || !made[from].connect(place, node, slot))
        throw Error(`no link from ${from}.${output} to ${name}.${input}`)
    }
  }
  app.canvas.deselectAll()
}"""
)
LISTEN = """() => {
  window.finished = new Promise((resolve, reject) => {
    app.api.addEventListener('execution_success', () => resolve(), {once: true})
    app.api.addEventListener('execution_error', event => reject(Error(event.detail.exception_message)), {once: true})
  })
}"""
# The page keeps an open panel in its settings, so one that a test opened lies over the graph of all later ones: FitView
# does not know of panels.
CLOSE_PANELS = """async () => {
  const {setting, sidebarTab, bottomPanel} = app.extensionManager
  await setting.set('Comfy.RightSidePanel.IsOpen', false)
  if (sidebarTab.activeSidebarTabId) sidebarTab.toggleSidebarTab(sidebarTab.activeSidebarTabId)
  if (bottomPanel.activePanel) bottomPanel.togglePanel(bottomPanel.activePanel)
}"""
RIGHT_PANEL = "properties-panel"
RUN_TIMEOUT_MS = 600_000  # on a machine with much else to do
QUIET = {"Comfy.TutorialCompleted": True, "Comfy.Graph.CanvasInfo": False, "Comfy.Minimap.Visible": False}
# Not ours: files that this server does not have, and addresses that --disable-api-nodes forbids the page.
NOT_OURS = ("Failed to load resource", "Content Security Policy", "workflow templates")


def node(name: str, kind: str, pos: tuple[int, int], size: tuple[int, int], **more: Any) -> dict[str, Any]:
    """A node; `values` by widget, `inputs` by slot as (node, output)."""
    return {"name": name, "type": kind, "pos": pos, "size": size, **more}


class ComfyPage:
    """One open page. `errors` gathers what it wrote to the console as errors."""

    def __init__(self, browser: "Browser", server: "HttpServer", vue_nodes: bool) -> None:
        """`vue_nodes`: the renderer called Nodes 2.0 instead of LiteGraph's canvas."""
        self.server, self.vue_nodes, self.errors = server, vue_nodes, []
        for name, value in {**QUIET, "Comfy.VueNodes.Enabled": vue_nodes}.items():
            server.post_json(f"/settings/{name}", value)
        self.page = browser.new_page(viewport=SIZE)
        self.page.set_default_timeout(STEP_TIMEOUT_MS)
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(server.url, timeout=LOAD_TIMEOUT_MS)
        self._wait_until_ready()

    def part(self, test_id: str) -> "Locator":
        """A part of the page, by the name that its makers gave it for tests."""
        return self.page.get_by_test_id(test_id)

    def command(self, name: str) -> None:
        """One of the page's own commands, as by its key or menu entry."""
        self.page.evaluate("name => app.extensionManager.command.execute(name)", name)

    def open_workflow(self, path: Path) -> None:
        """As by the menu's Open, in the place of all that is open; returns once the page shows it."""
        before = self.ask(f"{ACTIVE}.path")
        self.page.set_input_files("#comfy-file-input", path)
        self.page.wait_for_function(OPENED, arg=[path.stem, before])  # a second copy is called "name (2)"
        self.page.evaluate(CLOSE_OTHERS)
        self.fit()

    def fit(self) -> "FloatRect":
        """Bring the whole graph into view, clear of all panels; the place of its nodes in the window."""
        self.close_panels()
        self.command("Comfy.Canvas.FitView")
        self.page.wait_for_timeout(CAMERA_MS)
        return self.extent()

    def close_panels(self) -> None:
        """Nothing beside the graph: no help, no errors, no sidebar."""
        self.page.evaluate(CLOSE_PANELS)
        self.part(RIGHT_PANEL).wait_for(state="hidden")

    def extent(self, node_type: str | None = None) -> "FloatRect":
        """The place in the window of all nodes, or of those of a type."""
        return self.page.evaluate(EXTENT, node_type)

    def select(self, node_type: str) -> None:
        """Select the first node of a type."""
        self.page.evaluate(SELECT, node_type)

    def run(self) -> None:
        """Press Run."""
        self.part("queue-button").click()

    def run_to_end(self) -> None:
        """Press Run and wait until all is done. What fails there fails the test."""
        self.page.evaluate(LISTEN)
        self.run()
        self.page.wait_for_function("window.finished.then(() => true)", timeout=RUN_TIMEOUT_MS)
        self.page.wait_for_timeout(100)  # the page draws what came last

    def build(self, nodes: Sequence[dict[str, Any]]) -> None:
        """A graph in place of the present one, of nodes as ``node`` makes them."""
        self.page.evaluate(BUILD, nodes)

    def build_one(self, node_type: str) -> None:
        """A graph of one node, at the size that the page gives it, in place of the present one."""
        self.page.evaluate(f"type => {{ {EMPTY}; app.rootGraph.add(LiteGraph.createNode(type)) }}", node_type)

    def prompt(self) -> dict[str, dict[str, Any]]:
        """What Run would send: {node id: {class_type, inputs, _meta}}."""
        return self.ask("app.graphToPrompt().then(prompt => prompt.output)")

    def workflow(self) -> dict[str, Any]:
        """What Save would write."""
        return self.ask("app.graphToPrompt().then(prompt => prompt.workflow)")

    def ask(self, expression: str) -> Any:
        """A value of the page's own world, as its JSON: undefined members are left out."""
        return json.loads(self.page.evaluate(f"Promise.resolve({expression}).then(value => JSON.stringify(value))"))

    def reload(self) -> None:
        """As by the browser's key; returns once the page shows its workflow again."""
        self.page.wait_for_timeout(PERSIST_MS)
        self.page.reload(timeout=LOAD_TIMEOUT_MS)
        self._wait_until_ready()
        self.page.wait_for_function("app.rootGraph?.nodes.length > 0")

    def close(self) -> None:
        self.page.close()

    def _wait_until_ready(self) -> None:
        self.page.wait_for_function(READY, timeout=LOAD_TIMEOUT_MS)
        self.part("queue-button").wait_for()

    def _note(self, message: "ConsoleMessage") -> None:
        if message.type == "error" and not any(part in message.text for part in NOT_OURS):
            self.errors.append(message.text)
