# One call, evaluated in its own folder, with everything it printed, drew and left behind kept as a
# session (OpenCPU R/session_eval.R). The stored objects are those of the package evaluate.

# list(ok, error, objects, graphics, files, texts, bodies, ...): the facts of the session, which the
# caller writes as its manifest. `request`: function (package and name, or session_key and name),
# arguments, body, folder, seed, outputs, checks.
evaluate_request <- function(request) {
  if (isTRUE(request$shared)) remember_order(request$outputs)
  plan <- plan_call(request)
  outcome <- run_call(plan$call, plan$frame)
  return_to(request$folder)
  outcome <- without_secrets(check_outcome(outcome, request$checks, plan), plan$frame)
  facts <- save_session(request, plan$frame, outcome)
  facts$bodies <- if (facts$ok) render_outputs(request$outputs, plan$frame, outcome)
  facts$live <- facts$ok && isTRUE(request$live) && !has_secrets() && is_unnoticed() &&
    keep_live(basename(request$folder), facts$objects, plan$frame)
  if (isTRUE(request$shared)) facts$tidy <- tidy_up()
  facts
}

# Code may have gone elsewhere, or have removed the folder it began in.
return_to <- function(folder) {
  dir.create(folder, showWarnings = FALSE)
  setwd(folder)
}

# The call and the environment it runs in: the function under its name and the longer arguments.
plan_call <- function(request) {
  setwd(request$folder)
  target <- find_function(request)
  built <- build_call(target$name, request$arguments, request$body)
  start_counting(request$seed)   # behind the loading of packages, which may draw numbers
  frame <- new.env(parent = around_frame(built$secrets))
  for (label in names(built$bound)) assign(label, built$bound[[label]], envir = frame)
  assign(target$name, target$fun, envir = frame)
  list(name = target$name, call = built$call, frame = frame)
}

# Every call begins with its own random numbers, and grid numbers what it draws from one.
start_counting <- function(seed = NULL) {
  if (is.null(seed)) {
    suppressWarnings(rm(".Random.seed", envir = globalenv()))
  } else {
    set.seed(seed)
  }
  number_drawings()
}

number_drawings <- function() {
  if (!isNamespaceLoaded("grid")) return()
  if (is.null(settings$grid)) {
    settings$grid <- environment(get("grobAutoName", asNamespace("grid")))
  }
  assign("index", 0, envir = settings$grid)
}

# The function to call: of a package or the project, or stored in a session.
find_function <- function(request) {
  name <- request$name
  fun <- if (is.null(request$session_key)) {
    find_object(request$package, name)
  } else {
    session_object(request$session_key, name)
  }
  if (!is.function(fun)) refuse(paste0(name, "is not a function."))
  list(name = name, fun = fun)
}

# Evaluates a call, or source text whose values are printed but not kept (`keep_value`). A value that
# fails to print is kept all the same.
run_call <- function(input, frame, keep_value = TRUE) {
  evaluate_code(input, frame, function(value, visible, failed) {
    if (keep_value && !failed) assign(".val", value, envir = frame)
    if (visible) show_value(value, frame)
  })
}

# A plain list is only sketched, as OpenCPU does: printing a large one can take minutes.
# Methods that the code defined are found from where it ran, as they are at R's prompt.
show_value <- function(x, frame) {
  if (identical(class(x), "list")) {
    cat("List of length ", length(x), "\n")
    cat(paste0("[", names(x), "]"), sep = "\n")
  } else if (isS4(x)) {
    methods::show(x)
  } else {
    run_expression(quote(print(x)), list(print = print, x = x), frame)
  }
}

save_session <- function(request, frame, outcome) {
  output <- outcome$output
  forget_sessions()
  objects <- save_objects(frame)
  saveRDS(output, ".REval", compress = FALSE)
  write_information()
  write_description(basename(request$folder))
  files <- list.files(recursive = TRUE)
  limit <- limit_of(outcome)
  list(
    ok = is.null(outcome$error),
    error = if (!is.null(outcome$error)) failure_text(outcome, limit),
    limit = limit,
    error_message = if (!is.null(outcome$error)) whole_message(outcome$error),
    objects = clean(objects),
    graphics = length(Filter(is_plot, output)),
    files = clean(files),
    texts = session_texts(output)
  )
}

failure_text <- function(outcome, limit) {
  text <- error_text(outcome$error, outcome$trace)
  if (is.null(limit) || !nzchar(limit$said)) text else paste0(text, "\n\n", limit_words(limit$name))
}

# The names of the objects that were saved: all, but for those that R cannot even look at, such as
# a promise of something that fails.
save_objects <- function(frame) {
  objects <- ls(frame, all.names = TRUE)
  write <- function(names) save(list = names, envir = frame, file = ".RData", compress = FALSE)
  tryCatch(write(objects), error = function(e) {
    sound <- vapply(objects, function(name) {
      tryCatch({ get(name, frame); TRUE }, error = function(e) FALSE)
    }, NA)
    objects <<- objects[sound]
    write(objects)
  })
  objects
}

is_plot <- function(part) inherits(part, "recordedplot")

write_description <- function(key) {
  writeLines(c(
    paste("Package:", key), "Type: Session", paste("Version:", settings$ocpu_version),
    "Author: OpenCPU", paste("Date:", Sys.Date()),
    "Description: This file is automatically generated by OpenCPU."
  ), "DESCRIPTION")
}

# sessionInfo() takes 20 ms in a fresh child and nearly always says what it said in the parent: it
# is remembered there and made anew only when other packages are loaded now.
remember_information <- function() {
  settings$loaded <- c(loadedNamespaces(), search())
  # Compressed: it is most of the session of a small answer.
  file <- tempfile()
  saveRDS(utils::sessionInfo(), file)
  settings$information <- read_bytes(file)
  unlink(file)
  settings$libraries <- serialize(.libPaths(), NULL)
}

write_information <- function() {
  loaded <- c(loadedNamespaces(), search())
  same <- identical(sort(loaded), sort(settings$loaded))
  information <- if (same) settings$information else serialize(utils::sessionInfo(), NULL)
  writeBin(information, ".RInfo")
  libraries <- if (is.null(settings$library)) settings$libraries else serialize(.libPaths(), NULL)
  writeBin(libraries, ".Rlibs")
  more <- setdiff(loadedNamespaces(), settings$everywhere)
  if (length(more)) writeLines(more, ".Rpackages")
}
