total <- sum(read.csv("numbers.csv")$n)
total
