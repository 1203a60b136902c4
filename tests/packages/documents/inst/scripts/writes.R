write.csv(data.frame(n = 1:3), "made.csv", row.names = FALSE)
writeLines("The sum is `r sum(read.csv(\"made.csv\")$n)`.", "made.Rmd")
