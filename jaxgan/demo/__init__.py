"""A local page to play with a run: `jaxgan demo`.

    latents        sliders along directions, truncation, classes: a system that makes pictures (or points) from noise
    captions       a text box: a system that reads captions
    translation    drag and drop, before and after, attributes: a system that turns pictures into pictures
    common         what the pages share: limits, messages, the pictures' files
    server         the page around these, and what it answers to

Each kind of page is a file whose first half is plain functions of a run, and whose `page` puts Gradio's components around
them. Gradio is an extra and slow to import: only `page` and `server` import it, when they are called.
"""
