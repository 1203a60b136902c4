#%% cat with an end of line
cat("a\n")
#%% cat without end of line
cat("a")
#%% cat twice in two statements
cat("a")
cat("b\n")
#%% cat twice on a line
cat("a"); cat("b\n")
#%% cat of nothing
cat("")
cat()
cat(character(0))
#%% cat of an end of line only
cat("\n")
#%% cat of empty lines
cat("\n\n\n")
#%% cat ends in the middle of a line
cat("a\nb")
#%% cat and then a value
cat("a")
1
#%% cat and a value on a line
cat("a"); 1
#%% a value and then cat without end of line
1
cat("b")
#%% print and cat in a function
f <- function() { print(1); cat("a"); 2 }
f()
#%% print of a print
print(print("a"))
#%% an assignment that prints
x <- print("a")
x
#%% writeLines
writeLines(c("a", "b"))
writeLines("no end", sep = "")
#%% writeLines to stdout()
writeLines("a", stdout())
writeLines("b", con = stdout(), sep = "; ")
#%% cat to stdout()
cat("a\n", file = stdout())
#%% write to the console
write(1:3, "")
write(1:3, stdout())
#%% cat to stderr() is not printed
cat("a\n", file = stderr())
writeLines("b", stderr())
1
#%% write.csv to the console
write.csv(head(cars, 2), row.names = FALSE)
#%% dput and dump
dput(list(a = 1))
x <- 1:3
dump("x", "")
#%% message between outputs
cat("a\n")
message("m")
cat("b\n")
#%% message between outputs of one statement
{ cat("a"); message("m"); cat("b") }
#%% warning between outputs of one statement
{ cat("a"); warning("w"); cat("b\n") }
#%% many conditions and outputs of one statement
for (i in 1:3) { cat("line", i, "\n"); message("m", i); warning("w", i) }
#%% tabs, carriage returns and backspaces
cat("a\tb\rc\bd\n")
#%% text in other scripts
cat("größe ∞ 漢字 \U1F600\n")
print("größe ∞ 漢字 \U1F600")
#%% a latin1 string
x <- "caf\xe9"
Encoding(x) <- "latin1"
cat(x, "\n")
x
#%% bytes that are not UTF-8
cat("a\xff\xfeb\n")
#%% bytes that are not UTF-8, without end of line
cat("\xff")
1
#%% a string marked as bytes
x <- "a\xff"
Encoding(x) <- "bytes"
print(x)
#%% a control character
cat("a\001b\033[31mred\033[0m\n")
#%% a long line
cat(strrep("x", 20000), "\n")
#%% a long line without end
cat(strrep("abc", 10000))
#%% many lines
cat(rep("line\n", 500), sep = "")
#%% many writes
for (i in 1:300) cat(i, "")
#%% fill
cat("a", "b", fill = TRUE)
cat(1:40, fill = 30)
#%% labels
cat("a", "b", fill = 3, labels = c("x:", "y:"))
#%% format and formatC
cat(format(pi, digits = 3), formatC(1e6, big.mark = ","), "\n")
#%% sprintf is a value
sprintf("%5.2f|", pi)
#%% print with arguments
print(pi, digits = 3)
print("a", quote = FALSE)
#%% a progress bar
bar <- txtProgressBar(0, 3, style = 3)
for (i in 1:3) setTxtProgressBar(bar, i)
close(bar)
#%% a progress bar of the first style
bar <- txtProgressBar(0, 3, style = 1)
for (i in 1:3) setTxtProgressBar(bar, i)
close(bar)
#%% flush.console
cat("a")
flush.console()
cat("b\n")
#%% flush of stdout
cat("a")
flush(stdout())
cat("b\n")
#%% capture.output
x <- capture.output(print(1:3))
x
#%% capture.output with a value
capture.output(1 + 1, cat("a"))
#%% capture.output in capture.output
capture.output({ cat("outer\n"); x <- capture.output(cat("inner\n")); cat(x, "again\n") })
#%% capture.output of messages
x <- capture.output(message("m"), type = "message")
x
#%% capture.output that fails
x <- capture.output({ cat("a\n"); stop("inside") })
#%% capture.output that warns
x <- capture.output({ cat("a\n"); warning("inside"); cat("b\n") })
x
#%% capture.output to a file
capture.output(print("kept"), file = "out.txt")
readLines("out.txt")
#%% invisible output of sapply
invisible(sapply(1:3, function(i) cat(i, "\n")))
#%% sapply with output and a value
sapply(1:3, function(i) { cat(i, "\n"); i^2 })
#%% print in a finalizer is not heard here
invisible(gc())
1
#%% options max.print
options(max.print = 5)
1:10
#%% head of help text
cat(sprintf("%d: %s\n", 1:3, letters[1:3]), sep = "")
#%% readline answers nothing
readline("name? ")
#%% readLines of stdin answers nothing
length(readLines(file("stdin")))
#%% menu is not for programs
menu(c("a", "b"))
#%% Sys.time passes
invisible(Sys.time())
cat("done\n")
#%% system's output by intern
system("echo hello", intern = TRUE)
#%% system's status
system("exit 3")
system("true")
#%% system2 with a file
system2("echo", "hi", stdout = "said.txt")
readLines("said.txt")
#%% output of a system command is lost
x <- system("echo lost")
x
#%% mclapply
parallel::mclapply(1:2, function(i) { cat("child\n"); i^2 })
#%% print of nested calls in order
f <- function() { cat("f1\n"); g(); cat("f2\n") }
g <- function() { cat("g\n"); invisible(1) }
f()
#%% on.exit prints last
f <- function() { on.exit(cat("leaving\n")); cat("inside\n"); invisible(1) }
f()
#%% lazy arguments print when asked
f <- function(x) { cat("before\n"); x; cat("after\n") }
f(cat("now\n"))
#%% trace of memory is quiet
x <- 1:10
untracemem(x)
#%% printing to a variable by textConnection
con <- textConnection("lines", "w")
writeLines(c("a", "b"), con)
close(con)
lines
#%% textConnection with an open line
con <- textConnection("lines", "w")
cat("a\nb", file = con)
lines
isIncomplete(con)
close(con)
lines
#%% bytes that are half a character
cat(rawToChar(as.raw(c(0xe2, 0x82))), "\n")
message(rawToChar(as.raw(0xe2)))
#%% a NUL byte cannot be printed
cat(rawToChar(as.raw(c(65, 0, 66))))
#%% a NUL byte cannot be written to the console
writeBin(as.raw(c(65, 0, 66)), stdout())
#%% on.exit prints, warns and draws
f <- function() { on.exit({ cat("bye\n"); warning("exit"); plot(1) }); 3 }
f()
#%% the C locale
invisible(Sys.setlocale("LC_CTYPE", "C"))
cat("\u00e9\n")
print("\u00e9")
