"""Layer 5: what answers have beyond their document, and how the document comes to say so.

`reading` collects sightings from reports and state files, `proposal` makes an overlay of them, `overlay` reads and
writes OpenAPI Overlays, `merging` applies one to plain data, `editing` to the text of a spec without losing anything.
"""
