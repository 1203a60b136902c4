# Error texts in OpenCPU's form: the message, the call it came from, the calls that led to it.

# Packages of the tidyverse give their errors a headline and say more below it. The headline comes
# first, as in OpenCPU, and what it leaves out comes last.
error_text <- function(e, trace = NULL) {
  headline <- condition_headline(e)
  call <- tryCatch(conditionCall(e), error = function(...) NULL)
  more <- below_headline(e, headline)
  one_text(c(
    headline,
    if (length(call)) c("", "In call:", deparse(call, nlines = 500L), if (length(trace)) ""),
    if (length(trace)) c("Backtrace:", trace),
    if (nzchar(more)) c("", more)
  ))
}

# What a condition carries as its message; the class of some makes it only when asked.
condition_headline <- function(e) {
  message <- tryCatch(e$message, error = function(...) NULL)
  said <- is.character(message) && length(message) && any(nzchar(message))
  if (said) one_text(message) else whole_message(e)
}

# Always one text: a condition's class is free to answer anything, or to fail.
whole_message <- function(e) tryCatch(one_text(conditionMessage(e)), error = function(...) "")

# Lines as one valid text, cut where it is longer than all that is kept of what code prints.
one_text <- function(lines) {
  text <- hide(clean(paste(lines, collapse = "\n")))
  if (nchar(text, "bytes") <= console$room) return(text)
  paste0(substr(text, 1L, console$room %/% 4), "\n[the rest of this text was dropped (engine.output)]")
}

below_headline <- function(e, headline) {
  whole <- whole_message(e)
  squeezed <- function(text) gsub("[[:space:]]+", " ", trimws(text))
  if (identical(squeezed(whole), squeezed(headline))) return("")
  if (startsWith(whole, headline)) whole <- substring(whole, nchar(headline) + 1L)
  trimws(whole)
}

# The calls below the evaluator, outermost first, one a line: asked by the handler of an error, with
# `top` its evaluator's frame. rlang draws them as a tree, as in OpenCPU; a very deep stack, and one
# where rlang is not installed, is a plain list of at most `longest`.
backtrace <- function(top, longest = 50L) {
  calls <- sys.calls()
  if (length(calls) < 500L && requireNamespace("rlang", quietly = TRUE)) {
    tree <- tryCatch(backtrace_tree(top), error = function(e) NULL)
    if (!is.null(tree)) return(tree)
  }
  backtrace_list(calls, longest)
}

backtrace_tree <- function(top) {
  trace <- rlang::trace_back(top = top)
  heads <- lapply(trace$call, function(call) call[[1L]])
  shown <- evaluated_part(heads, are_evaluators(heads) | trace$namespace %in% "evaluate")
  if (!length(shown)) return(character())
  part <- trace[shown, ]
  part$parent <- match(trace$parent[shown], shown, nomatch = 0L)
  format(part, srcrefs = FALSE)   # where the models lie is nobody's business
}

backtrace_list <- function(calls, longest, width = 100L) {
  heads <- lapply(calls, function(call) call[[1L]])
  shown <- evaluated_part(heads, are_evaluators(heads))
  more <- max(0L, length(shown) - longest)
  lines <- vapply(calls[shown[seq_len(min(longest, length(shown)))]], function(call) {
    line <- deparse(call, width.cutoff = 60L, nlines = 2L)
    if (length(line) > 1L || nchar(line[1L]) > width) {
      line <- paste0(substr(line[1L], 1L, width), " ...")
    }
    line[1L]
  }, "")
  lines <- sprintf("%2d. %s", seq_along(lines), lines)
  if (more > 0L) c(lines, sprintf("... and %d more", more)) else lines
}

# Our own evaluator; that of a document is knitr's, the package evaluate.
are_evaluators <- function(heads) {
  vapply(heads, function(head) {
    identical(head, quote(run_expression)) || identical(head, quote(show_value)) ||
      identical(head, quote(eval_with_user_handlers))
  }, NA)
}

# The numbers of the calls between the evaluator's own and the handler of the error, which is last.
evaluated_part <- function(heads, evaluators) {
  handlers <- which(vapply(heads, function(head) {
    identical(head, quote(.handleSimpleError)) || identical(head, quote(note_error)) ||
      identical(head, quote(output_handler$error))
  }, NA))
  last <- min(handlers, length(heads) + 1L) - 1L
  while (last > 0L && (is_nameless(heads[[last]]) || evaluators[last])) last <- last - 1L
  first <- max(0L, which(evaluators[seq_len(last)])) + 1L
  if (first > last) integer() else first:last
}

# A handler that R calls by itself; rlang writes it so.
is_nameless <- function(head) is.function(head) || identical(head, as.name("<fn>"))
