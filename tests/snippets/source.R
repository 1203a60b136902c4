#%% nothing but a comment
# nothing
#%% a comment and a value
# a comment
1
#%% a value and a comment after it
1 # why not
#%% a comment between values
1
# between
2
#%% comments at the end
1
# one
# two
#%% a blank line between

1

2
#%% several blank lines


1


#%% blank line with spaces
1
   
2
#%% a statement of several lines
f <- function(
  a,
  b
) {
  a + b
}
f(1, 2)
#%% a statement of several lines with a comment inside
x <- c(
  1, # one
  # and
  2
)
x
#%% two statements on a line
x <- 1; y <- 2
x; y
#%% a statement that begins where another ends
x <- c(1,
2); y <- 3
y
#%% three statements over shared lines
x <- c(1,
2); y <- c(3,
4); z <- 5
x; y; z
#%% a semicolon at the end
1;
2;
#%% if and else over lines
if (FALSE) {
  1
} else {
  2
}
#%% if, else if, else
x <- 5
if (x < 3) {
  "small"
} else if (x < 6) {
  "middle"
} else {
  "large"
}
#%% a string over lines
x <- "a
b"
x
#%% a string over lines with a blank one
cat("a

b\n")
#%% a raw string
r"(a\b"c)"
#%% a string with a hash
"# not a comment" # a comment
#%% a function with comments keeps them
f <- function(x) {
  # doubled
  x * 2 # so
}
f
#%% an indented statement
   x <- 1
   x
#%% a tab
	1
#%% names in backticks
`a b` <- 1
`a b` + 1
#%% an operator at the end of a line
1 +
  2
#%% a pipe over lines
c(1, 4, 9) |>
  sqrt() |>
  sum()
#%% a block on one line
{ 1; 2 }
#%% a block over lines with output between
{
  cat("a\n")
  # between
  cat("b\n")
}
#%% nested functions
outer <- function() {
  inner <- function() {
    "inner"
  }
  inner()
}
outer()
#%% source in another script
größe <- 3 # ∞
größe
#%% a line directive
#line 10 "other.R"
1 + 1
#%% a syntax error
x <- 1
y <- (2 +
#%% a syntax error in the middle
x <- 1
y <- 2 )
z <- 3
#%% an unexpected symbol
a b
#%% an unexpected string
x <- "a" "b"
#%% an unfinished string
x <- "abc
#%% an unknown escape
x <- "\q"
#%% an unexpected end
if (TRUE) {
#%% a number that is too long
123456789012345678901234567890
#%% hexadecimal and scientific
0xFF; 1e-3; 1L; 1e5L
#%% an expression of constants
TRUE; NULL; NA; Inf
#%% an assignment in a condition
if ((x <- 3) > 2) x
#%% a formula with dots
~ . + x
#%% a help operator is a call
class(quote(?mean))
#%% a statement per line, many
x <- 0
x <- x + 1
x <- x + 1
x <- x + 1
x <- x + 1
x
#%% values per line, many
1
"a"
TRUE
NULL
c(1, 2)
#%% parse and eval
eval(parse(text = "1 + 1; 2 + 2"))
#%% sys.call at top level
f <- function(...) sys.call()
f(1, b = 2)
#%% match.call
f <- function(x, ...) match.call()
f(1, y = 2)
#%% deparse and substitute
f <- function(x) deparse(substitute(x))
f(a + b)
#%% srcref of a function
f <- function(x)   x
attr(f, "srcref")
#%% a function without its source
f <- function(x)   x  # comment
removeSource(f)
