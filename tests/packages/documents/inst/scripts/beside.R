beside <- read.csv("numbers.csv")
