"""Values in, text, tables, charts and graphs out. Figures are rounded here and nowhere else."""
