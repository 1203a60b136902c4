# Cells that share a process: what one changed is put back before the next, where that is cheap. Where
# it is not, the next gets another process.

# How R was before the first of them; what renders their outputs is loaded by then.
remember_order <- function(outputs) {
  if (is.null(settings$order)) begin_order(outputs)
}

begin_order <- function(outputs) {
  for (output in outputs) {
    package <- writer_packages[[output$format]]
    if (!is.null(package)) requireNamespace(package, quietly = TRUE)
  }
  settings$order <- visible_state()
  settings$order_loaded <- loadedNamespaces()
}

# Those that leave marks when they are loaded: options, or something that is attached.
writer_packages <- list(md = "pander", pb = "RProtoBuf")

# Whether a package that was loaded since did that: it is lost without its marks.
has_marks_of_packages <- function(now, before) {
  if (!length(setdiff(loadedNamespaces(), settings$order_loaded))) return(FALSE)
  attached <- setdiff(now$search, before$search)
  !all(startsWith(attached, "package:")) || !all(names(now$options) %in% names(before$options))
}

# Puts back options, variables, environment, attached packages, devices, temporary files and the kinds
# of random numbers; whether the next cell finds R as this one did. Packages that were loaded stay so.
tidy_up <- function() {
  left <- list.files(tempdir(), all.files = TRUE, no.. = TRUE, full.names = TRUE)
  if (length(left)) unlink(left, recursive = TRUE)
  before <- settings$order
  now <- visible_state()
  if (!is_usual_seed()) RNGkind("default", "default", "default")
  if (identical(now, before)) return(Sys.umask(NA) == child_mask)
  if (has_marks_of_packages(now, before)) return(FALSE)
  for (name in setdiff(now$search, before$search)) {
    try(detach(name, character.only = TRUE), silent = TRUE)
  }
  rm(list = setdiff(now$objects, before$objects), envir = globalenv())
  for (device in setdiff(now$devices, before$devices)) grDevices::dev.off(device)
  restore_options(now$options, before$options)
  restore_environment(now$environment, before$environment)
  identical(visible_state(), before) && Sys.umask(NA) == child_mask
}

restore_options <- function(now, before) {
  added <- setdiff(names(now), names(before))
  options(c(before, structure(vector("list", length(added)), names = added)))
}

restore_environment <- function(now, before) {
  added <- setdiff(names(now), names(before))
  if (length(added)) Sys.unsetenv(added)
  changed <- before[is.na(match(paste(names(before), before), paste(names(now), now)))]
  if (length(changed)) do.call(Sys.setenv, as.list(changed))
}

is_usual_seed <- function() {
  seed <- globalenv()[[".Random.seed"]]
  is.null(seed) || seed[1L] == default_generators
}

# The same for cells that keep no session, of which a process runs thousands: most change nothing, which
# takes microseconds to see.

# What code may have changed, as far as it can be seen in a few microseconds: see visible_state().
# Objects that were not replaced are the same ones, which R sees at once.
quick_state <- function() {
  list(as.vector(.Options, "list"), search(), .Internal(Sys.getenv(character(), "")), Sys.getlocale(),
       names(globalenv()), getAllConnections(), .Device, names(.userHooksEnv), .libPaths(),
       Sys.umask(NA), getwd(), .Internal(sink.number(TRUE)), .Internal(sink.number(FALSE)))
}

# Whether the next cell finds R as this one did; puts it in order where it can.
is_in_order <- function() {
  forget_seed()
  left <- list.files(c(cells$folder, tempdir()), all.files = TRUE, no.. = TRUE)
  if (!length(left) && identical(quick_state(), cells$calm)) return(TRUE)
  put_in_order()
}

# Every cell begins with random numbers of its own, and with R's usual kinds of them.
forget_seed <- function() {
  seed <- globalenv()[[".Random.seed"]]
  if (is.null(seed)) return()
  if (seed[1L] != default_generators) RNGkind("default", "default", "default")
  rm(".Random.seed", envir = globalenv())
}

put_in_order <- function() {
  for (i in seq_len(sink.number())) try(sink(), silent = TRUE)
  if (sink.number("message") != 2L) sink(type = "message")
  close_connections(settings$order$connections)
  grDevices::graphics.off()
  return_to(cells$folder)
  left <- list.files(cells$folder, all.files = TRUE, no.. = TRUE, full.names = TRUE)
  if (length(left)) unlink(left, recursive = TRUE, force = TRUE)
  tidy <- tidy_up()
  forget_seed()
  cells$calm <- quick_state()   # the same, in another order
  tidy
}
