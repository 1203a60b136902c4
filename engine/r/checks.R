# Checks of a result: expressions of its job, evaluated right after the call and where it ran, with
# `value` and the call's arguments by name. Each has to give TRUE, or a vector of nothing but TRUE.

# The outcome of a call with the checks that its value failed as its error: the session tells of it
# as it does of one that the function raised.
check_outcome <- function(outcome, checks, plan) {
  if (!is.null(outcome$error) || !length(checks)) return(outcome)
  scope <- check_scope(plan, get(".val", plan$frame, inherits = FALSE))
  problems <- lapply(checks, function(text) check_problem(text, run_check(text, scope)))
  if (!length(unlist(problems))) return(outcome)
  outcome$error <- simpleError(paste(unlist(problems), collapse = "; "), call = NULL)
  outcome$output <- c(outcome$output, list(outcome$error))
  outcome
}

# Which of n rows failed a check, counted from 0, and why. A check gives one answer for each row, or
# one for all.
check_rows <- function(value, rows, checks, plan) {
  scope <- check_scope(plan, value)
  failed <- logical(rows)
  problems <- character()
  for (text in checks) {
    given <- run_check(text, scope)
    if (is.null(given$problem) && !length(given$answer) %in% c(1L, rows)) {
      given <- list(problem = sprintf("it gave %d values for %d rows", length(given$answer), rows))
    }
    problems <- c(problems, check_problem(text, given))
    failed <- failed | if (is.null(given$problem)) !given$answer %in% TRUE else TRUE
  }
  list(unsound = as.list(which(failed) - 1L), problem = paste(problems, collapse = "; "))
}

# An argument is looked at only where a check names it.
check_scope <- function(plan, value) {
  scope <- new.env(parent = plan$frame)
  call <- tryCatch(match.call(get(plan$name, plan$frame), plan$call), error = function(e) plan$call)
  given <- as.list(call)[-1L]
  for (label in setdiff(names(given), "")) {
    if (!identical(given[[label]], quote(expr = ))) {
      bind_argument(label, given[[label]], plan$frame, scope)
    }
  }
  assign("value", value, envir = scope)
  scope
}

bind_argument <- function(label, code, frame, scope) {
  force(code)
  delayedAssign(label, run_expression(code, frame, baseenv()), assign.env = scope)
}

# list(answer) of a check that gave truth values, list(problem) of any other.
run_check <- function(text, scope) {
  tryCatch({
    given <- run_expression(str2lang(text), scope, baseenv())
    if (is.logical(given)) {
      list(answer = as.vector(given))
    } else {
      list(problem = paste0("it gave ", sketch(given), ", which is neither TRUE nor FALSE"))
    }
  }, error = function(e) list(problem = whole_message(e)))
}

# What is wrong with what a check gave, in words; NULL where nothing is.
check_problem <- function(text, given) {
  problem <- if (is.null(given$problem)) untrue(given$answer) else given$problem
  if (!is.null(problem)) paste0("the check ", text, " failed: ", problem)
}

untrue <- function(answer) {
  if (!length(answer)) return("it gave nothing to look at, logical(0)")
  wrong <- which(!answer %in% TRUE)
  if (!length(wrong)) return(NULL)
  first <- answer[wrong[1L]]
  if (length(answer) == 1L) return(paste("it gave", first))
  sprintf("it gave %s at %d, and is not TRUE for %d of %d", first, wrong[1L], length(wrong),
          length(answer))
}

sketch <- function(x) {
  text <- paste(deparse(x, nlines = 2L), collapse = " ")
  if (nchar(text) > 60L) paste0(substr(text, 1L, 60L), " ...") else text
}

# Why a text is not one R expression; an empty text where it is.
code_problem <- function(text) {
  tryCatch({
    parsed <- parse(text = text, keep.source = FALSE, encoding = "UTF-8")
    if (length(parsed) == 1L) "" else paste("it holds", length(parsed), "expressions, not one")
  }, error = function(e) parse_complaint(whole_message(e)))
}

# The first line, without R's own name for the text: "<text>:1:5: unexpected symbol".
parse_complaint <- function(message) {
  line <- strsplit(message, "\n", fixed = TRUE)[[1L]][1L]
  if (endsWith(line, "unexpected end of input")) return("something is missing at its end")
  sub("^<text>:([0-9]+):([0-9]+): (.*)$", "\\3 (line \\1, column \\2 of it)", line)
}
