# Assigns, prints, warns, draws and writes a file.
heights <- women$height
mean(heights)
message("mean done")
warning("only fifteen women")
plot(women)
write.csv(head(women, 3), "head.csv", row.names = FALSE)
invisible(heights)
