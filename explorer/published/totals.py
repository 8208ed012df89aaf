class Total: pass
def totals(table, summary, matched): return ()
