/** What part of a picture is shown, and how large. Sizes in pixels; an area is in shares of the picture, 0…1. */

const MARGIN = 1.5 // room around a face: the view is this many times its box
const LARGEST = 32 // pixels of the screen for one of the picture

/** Scale and offset that show an area of the picture as large as the room allows, in its middle. */
export function viewOf(area, picture, room, margin = 1) {
  const width = area.width * picture.width * margin
  const height = area.height * picture.height * margin
  const scale = Math.min(room.width / width, room.height / height, LARGEST)
  return around(area, picture, room, scale)
}

/** The whole picture. */
export function whole(picture, room) {
  return viewOf({ x: 0, y: 0, width: 1, height: 1 }, picture, room)
}

/** A face with some room around it. */
export function closeUp(box, picture, room) {
  return viewOf(box, picture, room, MARGIN)
}

/** The middle of an area at a given scale. Where the picture is larger than the room, no room is left empty. */
export function around(area, picture, room, scale) {
  const middle = [(area.x + area.width / 2) * picture.width, (area.y + area.height / 2) * picture.height]
  const view = { scale, x: room.width / 2 - middle[0] * scale, y: room.height / 2 - middle[1] * scale }
  return kept(view, picture, room)
}

/** The same view, moved so that the picture fills the room, or lies in its middle where it is smaller. */
export function kept(view, picture, room) {
  const along = (offset, size, space) =>
    size <= space ? (space - size) / 2 : Math.min(0, Math.max(space - size, offset))
  const { scale } = view
  return {
    scale,
    x: along(view.x, picture.width * scale, room.width),
    y: along(view.y, picture.height * scale, room.height)
  }
}

/** The view after a change of scale that keeps the middle of the room where it is; no smaller than the whole picture. */
export function zoomed(view, factor, picture, room) {
  const least = Math.min(view.scale, whole(picture, room).scale)
  const scale = Math.max(least, Math.min(LARGEST, view.scale * factor))
  const change = scale / view.scale
  const [cx, cy] = [room.width / 2, room.height / 2]
  return kept({ scale, x: cx - (cx - view.x) * change, y: cy - (cy - view.y) * change }, picture, room)
}
