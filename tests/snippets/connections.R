#%% sink to a file and back
sink("out.txt")
cat("in the file\n")
sink()
cat("here\n")
readLines("out.txt")
#%% sink to a file in one statement
{ sink("out.txt"); cat("in the file\n"); sink() }
readLines("out.txt")
#%% sink with split
sink("out.txt", split = TRUE)
cat("both\n")
sink()
readLines("out.txt")
#%% sink to a connection
con <- file("out.txt", "w")
sink(con)
print(1:3)
sink()
close(con)
readLines("out.txt")
#%% sink to a textConnection
con <- textConnection("lines", "w")
sink(con)
print("caught")
sink()
close(con)
lines
#%% nested sinks
sink("one.txt")
cat("one\n")
sink("two.txt")
cat("two\n")
sink()
cat("one again\n")
sink()
readLines("one.txt")
readLines("two.txt")
#%% sink left open in the last statement
cat("before\n")
sink("out.txt")
#%% sink left open with output after
cat("before\n")
sink("out.txt")
cat("in the file\n")
1 + 1
#%% sink left open by an error
f <- function() { sink("out.txt"); stop("in between") }
f()
#%% sink one time too many
sink()
cat("still here\n")
#%% sink.number counts one's own sinks
sink.number()
#%% sink of messages
con <- file("out.txt", "w")
sink(con, type = "message")
message("told")
sink(type = "message")
close(con)
readLines("out.txt")
#%% sink of messages left open
con <- file("out.txt", "w")
sink(con, type = "message")
message("told")
#%% closeAllConnections
cat("before\n")
closeAllConnections()
cat("after\n")
#%% closeAllConnections and an error
closeAllConnections()
stop("after all")
#%% closeAllConnections within capture.output
x <- capture.output({ cat("a\n"); closeAllConnections(); cat("b\n") })
#%% file left open
con <- file("out.txt", "w")
writeLines("written", con)
#%% file read to its end
writeLines(c("a", "b"), "in.txt")
con <- file("in.txt")
readLines(con)
close(con)
#%% file read line by line
writeLines(c("a", "b", "c"), "in.txt")
con <- file("in.txt", "r")
readLines(con, 1)
readLines(con, 1)
close(con)
#%% file without a last end of line
cat("a\nb", file = "in.txt")
readLines("in.txt")
#%% file that does not exist
readLines("nosuchfile.txt")
#%% gzfile
con <- gzfile("out.gz", "w")
writeLines("packed", con)
close(con)
readLines("out.gz")
#%% textConnection left open
con <- textConnection("lines", "w")
writeLines("a", con)
lines
#%% textConnection of text
con <- textConnection(c("a b", "c d"))
read.table(con)
#%% textConnection scanned
con <- textConnection("1 2 3")
scan(con)
close(con)
#%% scan quietly
scan(text = "1 2 3", quiet = TRUE)
#%% rawConnection
con <- rawConnection(raw(0), "w")
writeBin(1:2, con)
rawConnectionValue(con)
close(con)
#%% pipe
con <- pipe("echo piped")
readLines(con)
close(con)
#%% a connection is closed twice
con <- file("out.txt", "w")
close(con)
close(con)
#%% a connection prints
con <- textConnection("abc")
class(con)
close(con)
#%% an anonymous file
con <- file()
cat("a\n", file = con)
readLines(con)
close(con)
#%% serialize and back
x <- serialize(1:3, NULL)
unserialize(x)
#%% stdout has a number
as.integer(stderr())
#%% files are written to the working folder
write.csv(cars, "cars.csv")
file.exists("cars.csv")
unlink("cars.csv")
#%% connections are counted
nrow(showConnections())
con <- textConnection("a")
nrow(showConnections())
close(con)
#%% source echoes nothing
writeLines(c("x <- 1", "print(x)", "x + 1"), "part.R")
source("part.R")
x
#%% source with echo
writeLines(c("x <- 1", "x + 1"), "part.R")
source("part.R", echo = TRUE)
#%% source with a warning
writeLines("warning('in source')", "part.R")
source("part.R")
#%% source with an error
writeLines(c("x <- 1", "stop('in source')"), "part.R")
source("part.R")
#%% source with a syntax error
writeLines("x <- ", "part.R")
source("part.R")
#%% sys.source
writeLines("cat('sourced\n')", "part.R")
sys.source("part.R", new.env())
#%% a pipe that was never opened
x <- pipe("cat")
1
#%% a pipe that cannot be written to
writeBin(as.raw(c(65, 0, 66)), pipe("cat"))
#%% connections of every kind, none opened
x <- url("http://127.0.0.1:1/"); y <- gzfile("b.gz"); z <- fifo("f"); w <- unz("a.zip", "b"); v <- bzfile("c"); 2
#%% a sink whose connection was closed
con <- file("q.txt", "w"); sink(con); close(con); cat("x")
1
#%% a sink to a textConnection of no name
sink(textConnection(NULL, "w")); cat("hello\n"); 1
#%% closeAllConnections among output and sinks
closeAllConnections(); cat("still\n"); sink("a"); cat("to a\n"); closeAllConnections(); cat("back\n")
