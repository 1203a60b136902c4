first <- 1
cat("so far\n")
writeLines("kept", "kept.txt")
stop("the second half is missing")
never <- 2
