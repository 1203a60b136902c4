line <- strrep("0123456789", 100)
for (i in 1:8000) cat(line, "\n", sep = "")
