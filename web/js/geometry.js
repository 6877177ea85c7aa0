/** Places in a picture. A place is {x, y}, an area {x, y, width, height}; both in shares of the picture, 0…1. */

const SIDEWAYS = 2 // how much worse a step aside is than one ahead, when an arrow key looks for the next place

const FLATTEST = 0.25 // the slope from which on the way to a place is up or down, and not aside
const VERTICAL = { ArrowUp: -1, ArrowDown: 1 }
const HORIZONTAL = { ArrowLeft: -1, ArrowRight: 1 }

/** The largest size of the picture's shape that fits into the room. */
export function fit(picture, room) {
  if (!(picture.width > 0 && picture.height > 0)) return { width: 0, height: 0 }
  const scale = Math.min(room.width / picture.width, room.height / picture.height)
  return { width: picture.width * scale, height: picture.height * scale }
}

/** The middle of an area. */
export function center(area) {
  return { x: area.x + area.width / 2, y: area.y + area.height / 2 }
}

/** The area between two places. */
export function areaBetween(a, b) {
  return { x: Math.min(a.x, b.x), y: Math.min(a.y, b.y), width: Math.abs(a.x - b.x), height: Math.abs(a.y - b.y) }
}

/** Whether the middle of `inner` lies in `outer`. */
export function holds(outer, inner) {
  const { x, y } = center(inner)
  return x >= outer.x && x <= outer.x + outer.width && y >= outer.y && y <= outer.y + outer.height
}

/**
 * Index of the area that an arrow key goes to; `from` itself where there is none that way.
 *
 * Left and right go through all areas as one reads, so that each can be reached; up and down go to the nearest.
 *
 * @param {object[]} areas where one can go
 * @param {number} from index of the one left
 * @param {string} key ArrowLeft, ArrowRight, ArrowUp or ArrowDown
 * @param {number} aspect width by height of the picture
 */
export function nextArea(areas, from, key, aspect = 1) {
  if (key in VERTICAL) return nearestThere(areas, from, VERTICAL[key], aspect)
  const order = readingOrder(areas)
  return order[order.indexOf(from) + HORIZONTAL[key]] ?? from
}

function nearestThere(areas, from, down, aspect) {
  const start = center(areas[from])
  let [best, least] = [from, Infinity]
  areas.forEach((area, index) => {
    const { x, y } = center(area)
    const ahead = (y - start.y) * down
    const aside = Math.abs(x - start.x) * aspect
    const cost = ahead + SIDEWAYS * aside
    if (ahead > FLATTEST * aside && ahead > 0 && cost < least) [best, least] = [index, cost]
  })
  return best
}

/** Indices of areas in rows from top to bottom, each from left to right. A row is as high as its first area. */
export function readingOrder(areas) {
  const byTop = [...areas.keys()].sort((a, b) => center(areas[a]).y - center(areas[b]).y)
  const rows = []
  for (const index of byTop) {
    const { y } = center(areas[index])
    const row = rows.at(-1)
    if (row && y <= center(areas[row[0]]).y + areas[row[0]].height / 2) row.push(index)
    else rows.push([index])
  }
  return rows.flatMap((row) => row.sort((a, b) => areas[a].x - areas[b].x))
}

/** Whether a key moves between faces. */
export function isArrow(key) {
  return key in VERTICAL || key in HORIZONTAL
}
