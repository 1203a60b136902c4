# Outcomes of evaluators described in words that can be compared. Runs where engine/r is.

# n lines: the parts in order, then the error, the way to it, and what is left in the session.
described <- function(lines, topic, evaluator) {
  input <- switch(topic,
    calls = parse(text = lines, keep.source = FALSE)[[1L]],
    made_calls = eval(parse(text = lines, keep.source = FALSE)),
    lines
  )
  frame <- new.env(parent = globalenv())
  set.seed(1)
  outcome <- evaluator(input, frame)
  named <- function(name) paste0(name, ": ", sketch(get(name, frame)))
  said <- c(
    unlist(lapply(outcome$output, describe_part)),
    if (!is.null(outcome$error)) c("error:", describe_condition(outcome$error)),
    outcome$trace,
    vapply(ls(frame, all.names = TRUE), named, ""),
    describe_files(list.files(recursive = TRUE))
  )
  # Where things are in memory is another place each time.
  gsub("0x[0-9a-f]+", "0x", clean(said))
}

describe_part <- function(part) {
  if (inherits(part, "source")) return(paste0("source|", part$src, "|"))
  if (inherits(part, "recordedplot")) return(describe_plot(part))
  if (inherits(part, "condition")) return(describe_condition(part))
  paste0(paste(class(part), Encoding(part), collapse = " "), "|", part, "|")
}

describe_condition <- function(condition) {
  c(paste(c(class(condition), names(condition)), collapse = " "),
    paste0("|", conditionMessage(condition), "|"),
    deparse(conditionCall(condition)))
}

describe_plot <- function(plot) {
  path <- tempfile(fileext = ".png")
  grDevices::png(path, type = "cairo")
  suppressWarnings(suppressMessages(grDevices::replayPlot(plot)))
  grDevices::dev.off()
  paste("plot", paste(class(plot), collapse = " "), length(plot[[1L]]), "steps, pixels",
        tools::md5sum(path), "attributes", paste(names(attributes(plot)), collapse = " "))
}

describe_files <- function(paths) paste("file", paths, ifelse(file.size(paths) > 0, "", "empty"))

sketch <- function(value) {
  if (inherits(value, "connection")) return(class(value)[1L])   # evaluate's own takes a number
  tryCatch(paste(utils::capture.output(utils::str(value, give.attr = FALSE)), collapse = "\n"),
           error = conditionMessage)
}
