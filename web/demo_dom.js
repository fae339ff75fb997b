// SPDX-License-Identifier: Apache-2.0
// The few ways in which the page is written to. Text goes in as text; nothing is ever parsed as HTML.

export const $ = (id) => document.getElementById(id);

// A fresh copy of the one element in `<template id=…>`.
export const clone = (id) => $(id).content.firstElementChild.cloneNode(true);

export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Text that looks like an address of the web, without the punctuation that ends a sentence or closes a bracket around
// it.
const link = /\bhttps?:\/\/[^\s<>"“”«»]+/giu;
const behind = /[.,:;!?'’…]+$/u;

function addressIn(text) {
  let found = text;
  for (;;) {
    const bare = found.replace(behind, '');
    const closes = { ')': '(', ']': '[', '}': '{' }[bare.at(-1)];
    const closed = closes && bare.split(closes).length < bare.split(bare.at(-1)).length ? bare.slice(0, -1) : bare;
    if (closed === found) break;
    found = closed;
  }
  return URL.canParse?.(found) ?? /^https?:\/\/[^/?#]/i.test(found) ? found : '';
}

// Like write(), and addresses of the web in it are links. They tell the other site nothing of this page, and it gets no hold of it.
export function writeLinked(element, text) {
  if (element.textContent === text) return;
  const parts = [];
  let end = 0;
  for (const { 0: match, index } of text.matchAll(link)) {
    const address = addressIn(match);
    if (!address) continue;
    const anchor = document.createElement('a');
    Object.assign(anchor, { href: address, target: '_blank', rel: 'noopener noreferrer nofollow', textContent: address });
    parts.push(text.slice(end, index), anchor);
    end = index + address.length;
  }
  element.replaceChildren(...parts, text.slice(end));
}

const kept = new WeakMap();

// Makes `parent` hold one element per item, in order.
// An element stays the same while its key does, so a live region does not speak it twice.
export function sync(parent, items, keyOf, make, update) {
  const old = kept.get(parent) ?? new Map();
  const now = new Map(items.map((item) => [keyOf(item), item]));
  for (const [key, element] of old) if (!now.has(key)) element.remove();
  let next = parent.firstElementChild;
  for (const [key, item] of now) {
    const element = old.get(key) ?? make(item);
    update(element, item);
    if (element === next) next = next.nextElementSibling;
    else parent.insertBefore(element, next);
    now.set(key, element);
  }
  kept.set(parent, now);
}

const hues = [12, 32, 52, 96, 152, 182, 206, 232, 264, 296, 330];

// A round face for a name: its first letter on a colour that the name always gets.
export function drawFace(element, name) {
  let hash = 7;
  for (const letter of name) hash = (Math.imul(hash, 31) + letter.codePointAt(0)) >>> 0;
  element.style.setProperty('--hue', hues[hash % hues.length]);
  write(element, ([...name][0] ?? '').toUpperCase());
}
