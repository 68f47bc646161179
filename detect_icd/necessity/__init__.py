"""Medical necessity: does the documentation support the procedure, who says so, and what is missing.

Three layers that are never mixed: indication (`indications`), coverage policy (`coverage`), line edits (`edits`).
"""
