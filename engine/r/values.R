# Cells that keep no session: calls of one function for nothing but their values, one after the other
# in one loop. What a cell costs beside its own evaluation is counted in microseconds here, so what
# does not differ between cells is done once, and R is looked at in the cheapest way there is.

cells <- new.env(parent = emptyenv())   # those of one request, and how R was before the first

# A number or truth value of JSON: many are read at once.
json_scalar <- "^(true|false|-?[0-9]+(\\.[0-9]+)?([eE][-+]?[0-9]+)?)$"

# Makes the cells of a request known. Its `shapes` are the names and kinds of their arguments, `shape`
# says which each cell has, counted from 1, and `texts` are the arguments of all.
begin_values <- function(request, shape, texts) {
  grDevices::graphics.off()   # a device that is open costs more to look at than one that is opened
  screen$devices <- NULL
  setwd(request$folder)
  cells$folder <- getwd()
  cells$target <- tryCatch(find_function(request), error = identity)
  cells$name <- request$name
  cells$symbol <- as.name(request$name)
  cells$seed <- request$seed
  cells$checks <- request$checks
  cells$outputs <- request$outputs
  cells$labels <- lapply(request$shapes, function(shape) vapply(shape, `[[`, "", 1L))
  cells$kinds <- lapply(request$shapes, function(shape) vapply(shape, `[[`, "", 2L))
  cells$shape <- shape
  cells$begins <- cumsum(c(0L, lengths(cells$labels)[shape]))
  cells$texts <- texts
  cells$scalars <- read_scalars(as.character(unlist(cells$kinds[shape])), texts)
  others <- cumsum(c(0L, lengths(cells$scalars) == 0L))[cells$begins + 1L]
  has_dots <- vapply(cells$labels, function(labels) "..." %in% labels, NA)
  cells$is_simple <- diff(others) == 0L & !has_dots[shape]
  forget_seed()
  begin_order(request$outputs)
  cells$calm <- quick_state()
}

# A list with the value of each argument that is put into a call as it stands and needs no more than
# that to be read; NULL for every other.
read_scalars <- function(kinds, texts) {
  values <- vector("list", length(texts))
  short <- which(kinds == "text" & nchar(texts, "bytes") <= longest_inline)
  values[short] <- texts[short]
  numbers <- which(kinds == "json" & grepl(json_scalar, texts))
  if (length(numbers)) {
    whole <- paste0("[", paste(texts[numbers], collapse = ","), "]")
    values[numbers] <- jsonlite::parse_json(whole, simplifyVector = FALSE)
  }
  values
}

# The call of a cell and the variables it needs, as build_call() has them.
call_of_cell <- function(number) {
  shape <- cells$shape[number]
  labels <- cells$labels[[shape]]
  places <- cells$begins[number] + seq_along(labels)
  if (cells$is_simple[number]) {
    scalars <- cells$scalars[places]
    names(scalars) <- labels
    return(list(call = as.call(c(list(cells$symbol), scalars)), bound = NULL, secrets = list()))
  }
  build_call(cells$name, lapply(seq_along(labels), function(i) {
    list(name = labels[i], kind = cells$kinds[[shape]][i], value = cells$texts[places[i]])
  }))
}

# Evaluates the cells from `first` to `last`, or as many as take so many seconds or bytes:
# list(done, values, bytes, bodies, took, failures, tidy). A cell that failed is told of in
# `failures`, by its place among those that were done. Where one left R so that it cannot be put in
# order, it is the last: `tidy` is FALSE.
evaluate_values <- function(first, last, seconds, most_bytes) {
  here <- environment()
  number <- first - 1L
  count <- last - number
  values <- vector("list", count)
  bytes <- vector("list", count)
  bodies <- list()
  failures <- list()
  took <- numeric(count)
  size <- 0
  tidy <- TRUE
  began <- before <- .Internal(Sys.time())
  call <- frame <- parts <- error <- trace <- limit <- NULL
  is_code <- FALSE   # whether the cell's own code runs, not ours

  said <- function() {
    if (is.null(parts)) parts <<- part_collector(printed = 0)
    parts
  }
  note_error <- function(e, calls = NULL) {
    if (!is.null(error)) return()
    error <<- e
    trace <<- calls
  }
  note_condition <- function(condition, restart) {
    if (is_code) said()$add_condition(condition)
    tryInvokeRestart(restart)
  }
  note_warning <- function(w) {
    level <- getOption("warn")
    if (is_code && level >= 2L) return()   # R makes an error of it
    if (level >= 0L) note_condition(w, "muffleWarning") else tryInvokeRestart("muffleWarning")
  }

  begin <- function() {
    number <<- number + 1L
    call <<- parts <<- error <<- trace <<- limit <<- NULL
    if (inherits(cells$target, "error")) stop(cells$target)
    built <- call_of_cell(number)
    frame <<- new.env(parent = if (length(built$secrets)) around_frame(built$secrets) else globalenv())
    for (label in names(built$bound)) assign(label, built$bound[[label]], envir = frame)
    assign(cells$name, cells$target$fun, envir = frame)
    if (!is.null(cells$seed)) set.seed(cells$seed)
    number_drawings()
    call <<- built$call
  }
  # An error that was signalled, or a check that failed, is the cell's, whatever its value.
  finish <- function(value) {
    is_code <<- FALSE
    if (printed_so_far() > 0 && output_was_dropped()) reach_output()
    if (length(cells$checks) || has_secrets() || length(cells$outputs)) {
      assign(".val", value, envir = frame)
      outcome <- list(output = list(), error = error, trace = trace)
      plan <- list(name = cells$name, call = call, frame = frame)
      outcome <- without_secrets(check_outcome(outcome, cells$checks, plan), frame)
      if (!is.null(outcome$error)) note_error(outcome$error)
    }
    if (!is.null(error)) return(fail())
    place <- number - first + 1L
    raw <- serialize(value, NULL, xdr = FALSE)
    if (length(cells$outputs)) {
      bodies[[as.character(place)]] <<- render_outputs(cells$outputs, frame, outcome)
    }
    values[place] <<- list(value)
    bytes[[place]] <<- raw
    size <<- size + length(raw)
  }
  reach_output <- function() {
    stop_code_no_more()
    limit <<- list(name = "output", said = "")
    note_error(simpleError(limit_words("output")))
  }
  fail <- function() {
    is_code <<- FALSE
    place <- number - first + 1L
    failures[[length(failures) + 1L]] <<- c(list(place = place), tell_failure())
  }
  # What an error's session would say of it. One of ours, in what was asked, has neither calls nor output.
  tell_failure <- function() {
    if (!is.null(error$kind) || is.null(call)) {
      return(list(error = error_text(error), message = whole_message(error),
                  kind = if (is.null(error$kind)) "r_error" else error$kind))
    }
    said()$add_text()
    outcome <- list(output = c(said()$everything(), list(error)), error = error, trace = trace)
    source <- structure(list(src = read_statements(call)$src), class = "source")
    outcome$output <- c(list(source), outcome$output)
    if (has_secrets()) {
      assign(".val", NULL, envir = frame)
      outcome <- without_secrets(outcome, frame)
    }
    found <- if (is.null(limit)) limit_behind(outcome$error) else limit
    texts <- session_texts(outcome$output)
    list(error = failure_text(outcome, found), message = whole_message(outcome$error),
         kind = "r_error", limit = found, warnings = as.list(texts$warnings),
         printed = paste0(sub("\n$", "", texts$console), "\n", collapse = ""))
  }
  # Whether another cell may follow, here and now.
  go_on <- function() {
    if (!is.null(parts) || printed_so_far() > 0) forget_output()
    held$values <- character()
    tidy <<- is_in_order()
    now <- .Internal(Sys.time())
    took[number - first + 1L] <<- now - before
    before <<- now
    tidy && number < last && now - began < seconds && size < most_bytes
  }
  evaluate_on <- function() {
    repeat {
      begin()
      is_code <<- TRUE
      value <- run_expression(call, frame, baseenv())
      finish(value)
      if (!go_on()) return(TRUE)
    }
  }
  # The handlers are put up once for all cells up to the next that fails: they cost as much as a cell.
  evaluate_handled <- function() {
    tryCatch(
      withCallingHandlers(
        withRestarts(evaluate_on(), abort = function() {
          note_error(simpleError("The code invoked the restart 'abort'.", call = NULL))
          FALSE
        }),
        message = function(m) note_condition(m, "muffleMessage"),
        warning = note_warning,
        error = function(e) {
          if (is_code) note_error(e, tryCatch(backtrace(here), error = function(e) NULL))
        }
      ),
      # With its stacks used up R cannot call a handler, but it leaves by this one.
      error = function(e) {
        note_error(e)
        FALSE
      },
      interrupt = function(i) {
        reach_output()
        FALSE
      }
    )
  }
  repeat {
    if (evaluate_handled()) break
    fail()
    if (!go_on()) break
  }
  done <- number - first + 1L
  list(done = done, values = values[seq_len(done)], bytes = bytes[seq_len(done)], bodies = bodies,
       took = took[seq_len(done)], failures = failures, tidy = tidy)
}
