/** Places in a picture. A place is {x, y}, an area {x, y, width, height}; both in shares of the picture, 0…1. */

const SIDEWAYS = 2 // how much worse a step aside is than one ahead, when an arrow key looks for the next place

const AHEAD = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1]
}

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
 * @param {object[]} areas where one can go
 * @param {number} from index of the one left
 * @param {string} key ArrowLeft, ArrowRight, ArrowUp or ArrowDown
 * @param {number} aspect width by height of the picture
 */
export function nextArea(areas, from, key, aspect = 1) {
  const [right, down] = AHEAD[key]
  const start = center(areas[from])
  let [best, least] = [from, Infinity]
  areas.forEach((area, index) => {
    const place = center(area)
    const [dx, dy] = [(place.x - start.x) * aspect, place.y - start.y]
    const ahead = dx * right + dy * down
    const aside = Math.abs(dx * down) + Math.abs(dy * right)
    const cost = ahead + SIDEWAYS * aside
    if (index !== from && ahead > 0 && cost < least) [best, least] = [index, cost]
  })
  return best
}

/** Whether a key moves between faces. */
export function isArrow(key) {
  return key in AHEAD
}
