/**
 * Faces picked by hand, as they are saved: places in the picture, not numbers, so that they find their faces again.
 *
 * The text and the rules are those of gpen_core/faces/selection/picks.py, which has the last word when the node runs.
 * A pick is {x, y, size, frame}: the middle of a face's box in shares of the picture's width and height, and the root
 * of its area as a share of the root of the picture's.
 */

const VERSION = 1
const NEAREST = 0.6 // of the mean size
const SIZE_RATIO = 2.5
const NONE = { include: [], exclude: [], others: 'rules' }
const BY_HAND = { include: 'included', exclude: 'excluded' }
const TAKEN = ['chosen', 'included']

/** Picks from the saved text. What is no list of picks counts as none; the node says what is wrong with it. */
export function readPicks(text) {
  let data = null
  try {
    data = JSON.parse(text)
  } catch {
    return NONE
  }
  if (data?.version !== VERSION) return NONE
  const list = (name) => (Array.isArray(data[name]) ? data[name] : []).filter(isPick).map((pick) => ({ frame: 0, ...pick }))
  return { include: list('include'), exclude: list('exclude'), others: data.others === 'none' ? 'none' : 'rules' }
}

/** The text to save; "" for no picks. */
export function writePicks({ include, exclude, others }) {
  if (!include.length && !exclude.length && others === 'rules') return ''
  return JSON.stringify({ version: VERSION, include, exclude, others })
}

/** Whether a text holds picks that can be read, or none. */
export function canRead(text) {
  return !text.trim() || writePicks(readPicks(text)) !== ''
}

/**
 * Find picked faces among those detected now: the nearest of about the same size, each for one pick.
 *
 * @param {object[]} picks what was picked
 * @param {object[]} faces from the node's report: each has its own `pick`
 * @param {number} aspect width by height of the pictures
 * @returns {{found: Map<number, number>, lost: number[]}} place of a face → place of its pick; picks without a face
 */
export function findPicked(picks, faces, aspect) {
  const pairs = []
  picks.forEach((pick, number) =>
    faces.forEach((face, place) => {
      const distance = apart(pick, face.pick, aspect)
      if (distance < Infinity) pairs.push([distance, number, place])
    })
  )
  pairs.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2])
  const [found, done] = [new Map(), new Set()]
  for (const [, number, place] of pairs)
    if (!done.has(number) && !found.has(place)) {
      done.add(number)
      found.set(place, number)
    }
  return { found, lost: picks.map((_, number) => number).filter((number) => !done.has(number)) }
}

/**
 * What becomes of every face by these picks, and which picks find none.
 *
 * @returns {{faces: {state: string, why: string, taken: boolean}[], lost: {list: string, number: number, pick: object}[]}}
 */
export function decide(picks, faces, aspect) {
  const included = findPicked(picks.include, faces, aspect)
  const excluded = findPicked(picks.exclude, faces, aspect)
  const decided = faces.map((face, place) => {
    if (excluded.found.has(place)) return { state: BY_HAND.exclude, why: 'excluded by hand' }
    if (included.found.has(place)) return { state: BY_HAND.include, why: 'included by hand' }
    if (picks.others === 'none' && face.rules.state !== 'limits') return { state: 'left_out', why: 'not picked' }
    return face.rules
  })
  const lost = (list, numbers) => numbers.map((number) => ({ list, number, pick: picks[list][number] }))
  return {
    faces: decided.map((one) => ({ ...one, taken: TAKEN.includes(one.state) })),
    lost: [...lost('include', included.lost), ...lost('exclude', excluded.lost)]
  }
}

/**
 * The picks after some faces were taken or left by hand. Where the rules say the same, no pick is kept for the face.
 *
 * @param {Set<number>} places which of the faces
 * @param {boolean} taken whether they are to be restored
 */
export function setTaken(picks, faces, places, taken, aspect) {
  const without = forget(picks, faces, places, aspect)
  const byRules = decide(without, faces, aspect).faces
  const list = taken ? 'include' : 'exclude'
  const added = [...places].filter((place) => byRules[place].taken !== taken).map((place) => faces[place].pick)
  return { ...without, [list]: [...without[list], ...added] }
}

/** The picks without those of some faces; nor may another pick, that had found no face, take the place of a forgotten one. */
function forget(picks, faces, places, aspect) {
  const left = (list) => {
    let kept = picks[list]
    for (;;) {
      const { found } = findPicked(kept, faces, aspect)
      const gone = new Set([...places].map((place) => found.get(place)).filter((number) => number !== undefined))
      if (!gone.size) return kept
      kept = kept.filter((_, number) => !gone.has(number))
    }
  }
  return { ...picks, include: left('include'), exclude: left('exclude') }
}

/** The picks without one of them. */
export function withoutPick(picks, list, number) {
  return { ...picks, [list]: picks[list].filter((_, other) => other !== number) }
}

/** How far apart two places are, in sizes; infinite where they cannot be the same face. */
function apart(pick, now, aspect) {
  if (pick.frame !== now.frame || !(now.size > 0)) return Infinity
  const ratio = Math.max(now.size / pick.size, pick.size / now.size)
  const root = Math.sqrt(aspect)
  const distance = Math.hypot((now.x - pick.x) * root, (now.y - pick.y) / root)
  const sizes = (2 * distance) / (now.size + pick.size)
  return ratio <= SIZE_RATIO && sizes <= NEAREST ? sizes + Math.log(ratio) : Infinity
}

function isPick(entry) {
  return ['x', 'y', 'size'].every((name) => Number.isFinite(entry?.[name])) && entry.size > 0
}
