/** Small helpers to build elements. */

/**
 * An element with properties and children.
 *
 * Names with a dash (aria-label, data-x) become attributes, `style` is an object, all else is a property.
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (name === 'style') Object.assign(made.style, value)
    else if (name.includes('-') || name === 'role') made.setAttribute(name, value)
    else made[name] = value
  }
  made.append(...children.filter((child) => child !== null && child !== undefined))
  return made
}

/** A button that never submits and says what it does to a screen reader and on hover. */
export function button(label, text, onClick, className = 'gpen-button') {
  const made = element('button', { type: 'button', className, title: label, 'aria-label': label }, text)
  made.addEventListener('click', onClick)
  return made
}

/** Load the style sheet that lies beside this file, once for the whole page. */
export function useStyles() {
  const address = new URL('./gpen.css', import.meta.url).href
  const links = [...document.head.querySelectorAll('link[rel=stylesheet]')]
  if (links.some((link) => link.href === address)) return
  document.head.append(element('link', { rel: 'stylesheet', href: address }))
}
