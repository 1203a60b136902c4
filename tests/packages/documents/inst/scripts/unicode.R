größe <- "Ångström — 漢字"
cat(größe, "\n")
nchar(größe)
