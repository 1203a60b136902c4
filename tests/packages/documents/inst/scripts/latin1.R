café <- "crème"
cat(café, "\n")
