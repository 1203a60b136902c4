# The session whose objects are in memory, because this process, or the one that it was forked from,
# made it. To a call that names it, that is the same as reading it from its folder: so a session is
# live only where its call left nothing else behind that the next could notice.

live <- new.env(parent = emptyenv())   # key, objects

# It takes the place of the one before: in that, this call may have changed something.
keep_live <- function(key, names, frame) {
  if (!all(names %in% ls(frame, all.names = TRUE))) return(FALSE)   # names that R writes otherwise
  live$key <- key
  live$objects <- list2env(mget(names, envir = frame), parent = globalenv())
  TRUE
}

forget_live <- function() rm(list = ls(live), envir = live)

is_live <- function(key) identical(key, live$key)

default_generators <- 10403L   # Mersenne-Twister, Inversion, Rejection
child_mask <- as.octmode("77")

# Variables that each process, and each call, has of its own.
own_variables <- c("HOME", "TMPDIR", "LARDER_REQUEST_ID")

# What calls share beside their sessions, as far as it can be seen at no great cost.
visible_state <- function() {
  environment <- Sys.getenv()
  list(
    options = options(),
    search = search(),
    environment = environment[!names(environment) %in% own_variables],
    locale = Sys.getlocale(),
    objects = setdiff(ls(globalenv(), all.names = TRUE), ".Random.seed"),
    connections = getAllConnections(),
    devices = grDevices::dev.list(),
    hooks = ls(.userHooksEnv, all.names = TRUE),
    libraries = .libPaths()
  )
}

remember_state <- function() settings$state <- visible_state()

# Whether a call left all that as it was in the parent. Namespaces that it loaded are loaded for
# whoever reads its session, too.
is_unnoticed <- function() {
  is_usual_seed() && Sys.umask(NA) == child_mask && identical(visible_state(), settings$state)
}
