dir.create("deep/er", recursive = TRUE)
setwd("deep")
writeLines("found", "er/note.txt")
