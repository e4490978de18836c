"""The pages, a module a noun: each works without a script."""
