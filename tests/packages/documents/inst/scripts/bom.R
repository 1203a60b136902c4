marked <- TRUE
cat("two\r\n")
