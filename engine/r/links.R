# Links of help pages. R writes them for its own help server, where they lead to pages of all
# packages; here those that lead nowhere become plain text.

# A page at /man/{topic}/html has no links, as in OpenCPU; its pictures are two folders up.
page_without_links <- function(html) {
  gsub("\"../help/figures/", "\"../../help/figures/", html, fixed = TRUE)
}

# A page at /html/{topic}.html. `library_url`: the server's library, where packages are not
# neighbours in the URL.
page_with_links <- function(html, package, library_url = NULL) {
  pattern <- "<a href=\"(?:\\.\\./\\.\\./[^/\"]+/html/)?[^/\":#]+\\.html\">(?s:.*?)</a>"
  found <- gregexpr(pattern, html, perl = TRUE)
  regmatches(html, found) <- list(vapply(regmatches(html, found)[[1L]], checked_link, "",
                                         package = package, library_url = library_url,
                                         USE.NAMES = FALSE))
  html
}

checked_link <- function(link, package, library_url) {
  target <- sub("^<a href=\"([^\"]*)\\.html\">.*$", "\\1", link)
  words <- sub("^<a href=\"[^\"]*\">(.*)</a>$", "\\1", link)
  page <- utils::URLdecode(basename(target))
  if (!grepl("/", target)) return(if (page == "00Index" || has_page(package, page)) link else words)
  owner <- utils::URLdecode(basename(dirname(dirname(target))))
  if (!has_page(owner, page)) return(words)
  if (is.null(library_url)) return(link)
  sub("href=\"../..", paste0("href=\"", library_url), link, fixed = TRUE)
}

# Whether a package that is installed has the page.
has_page <- function(package, page) {
  path <- find.package(package, quiet = TRUE)
  if (!length(path)) return(FALSE)
  paths <- file.path(path[[1L]], "help", "paths.rds")
  file.exists(paths) && page %in% sub("\\.[Rr]d$", "", basename(readRDS(paths)))
}
