"""A button that puts the page's address on the clipboard."""

from __future__ import annotations

import streamlit as st

from explorer.language import say
from explorer.ui.panel import Panel

_component = st.components.v2.component(
    "copy_link",
    html='<button type="button"></button>',
    css="""
button {
  height: 2.5rem; padding: 0 0.9rem; font: 400 0.93rem var(--st-font); white-space: nowrap;
  color: var(--st-text-color); background: var(--st-background-color); cursor: pointer;
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius);
}
button:hover { border-color: var(--st-primary-color); color: var(--st-primary-color); }
""",
    js="""
export default function ({ data, parentElement }) {
  const button = parentElement.querySelector("button");
  button.title = data.title;
  button.textContent = data.copy;
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(location.href);
      button.textContent = data.copied;
    } catch {
      // Browsers keep the clipboard from pages without https.
      prompt(data.here, location.href);
    }
    setTimeout(() => { button.textContent = data.copy; }, 1500);
  };
}
""")


def copy_link(panel: Panel) -> None:
    _component(key=panel.widget("copy-link"), width="content", data={
        "title": say("Copy a link to what you see"), "copy": say("Copy link"),
        "copied": say("Copied"), "here": say("Copy this link")})
