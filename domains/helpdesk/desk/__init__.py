"""The generator of the helpdesk pack: facts and manuscripts in, corpus and examples out."""
