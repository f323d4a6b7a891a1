//! The page of a change or a rule: one text that is rustdoc, hover, `explain`, docs page and test at once.
//!
//! May use nothing. A page is Markdown in doc comments, captured by [`page!`]: a title, a summary, prose under
//! fixed headings, and fences whose info string says what they are (`sql before`, `sql bad`, `plan` …). Tests run
//! the fences, so a page cannot say what is not so.

/// A Markdown text as its author wrote it. Made by [`page!`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// The doc comments' lines; each still has the blank that follows `///`.
    raw: &'static str,
}

/// A fenced block of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    /// The words behind the three backticks: `sql before`.
    pub info: String,
    /// What stands between the fence lines, each line with its end.
    pub text: String,
    /// Line of the page (from 1) on which the text begins.
    pub line: usize,
}

impl Page {
    #[doc(hidden)]
    pub const fn new(raw: &'static str) -> Self {
        Self { raw }
    }

    /// The whole Markdown.
    pub fn text(&self) -> String {
        self.lines().flat_map(|it| [it, "\n"]).collect()
    }

    /// The first heading, without its `#`.
    pub fn title(&self) -> &'static str {
        self.lines().find_map(|it| it.strip_prefix("# ")).unwrap_or_default().trim()
    }

    /// The first paragraph of prose, on one line. Fences and headings are passed over.
    pub fn summary(&self) -> String {
        let mut res: Vec<&str> = Vec::new();
        let mut fenced = false;
        for line in self.lines() {
            let line = line.trim();
            if line.starts_with("```") {
                fenced = !fenced;
            }
            let prose = !fenced && !line.is_empty() && !line.starts_with('#') && !line.starts_with("```");
            match (prose, res.is_empty()) {
                (true, _) => res.push(line),
                (false, false) => break,
                (false, true) => {}
            }
        }
        res.join(" ")
    }

    /// The text below `## heading`, up to the next heading of that level; `None` when the page has no such heading.
    pub fn section(&self, heading: &str) -> Option<String> {
        let mut lines = self.lines().skip_while(|it| it.strip_prefix("## ").is_none_or(|it| it.trim() != heading));
        lines.next()?;
        let body: String = lines.take_while(|it| !it.starts_with("## ")).flat_map(|it| [it, "\n"]).collect();
        Some(body.trim().to_owned())
    }

    /// The fences whose info string begins with these words: `fences("sql before")`, `fences("plan")`.
    pub fn fences(&self, kind: &str) -> Vec<Fence> {
        let wanted: Vec<&str> = kind.split_whitespace().collect();
        self.all_fences()
            .into_iter()
            .filter(|it| {
                let words: Vec<&str> = it.info.split_whitespace().collect();
                words.starts_with(&wanted)
            })
            .collect()
    }

    /// Text of the first fence of the kind.
    pub fn fence(&self, kind: &str) -> Option<String> {
        self.fences(kind).into_iter().next().map(|it| it.text)
    }

    fn all_fences(&self) -> Vec<Fence> {
        let mut res = Vec::new();
        let mut open: Option<Fence> = None;
        for (i, line) in self.lines().enumerate() {
            match (&mut open, line.strip_prefix("```")) {
                (Some(_), Some(_)) => res.extend(open.take()),
                (Some(fence), None) => {
                    fence.text.push_str(line);
                    fence.text.push('\n');
                }
                (None, Some(info)) => {
                    open = Some(Fence { info: info.trim().to_owned(), text: String::new(), line: i + 2 });
                }
                (None, None) => {}
            }
        }
        res
    }

    fn lines(&self) -> impl Iterator<Item = &'static str> {
        self.raw.lines().map(|it| it.strip_prefix(' ').unwrap_or(it))
    }
}

/// Declares a [`Page`] from doc comments.
///
/// ```text
/// page! {
///     /// # Make a column NOT NULL
///     ///
///     /// The summary.
///     const PAGE;
/// }
/// ```
#[macro_export]
macro_rules! page {
    ($(#[doc = $line:expr])* const $name:ident;) => {
        $(#[doc = $line])*
        pub const $name: $crate::page::Page = $crate::page::Page::new(concat!($($line, "\n"),*));
    };
}

pub use page;

#[cfg(test)]
mod tests {
    page! {
        /// # A title
        ///
        /// The summary stands
        /// on two lines.
        ///
        /// ## Why
        /// Because.
        ///
        /// ```sql before
        /// CREATE TABLE t (
        ///   id int
        /// );
        /// ```
        /// ```plan
        /// Expand
        /// ```
        /// ## Versions
        /// All.
        const PAGE;
    }

    #[test]
    fn title_summary_and_sections_are_found() {
        assert_eq!(PAGE.title(), "A title");
        assert_eq!(PAGE.summary(), "The summary stands on two lines.");
        assert_eq!(PAGE.section("Versions").as_deref(), Some("All."));
        assert_eq!(PAGE.section("Nowhere"), None);
        assert!(PAGE.text().starts_with("# A title\n\nThe summary stands\n"));
    }

    #[test]
    fn fences_keep_their_indentation_and_are_found_by_the_first_words() {
        let fences = PAGE.fences("sql");
        assert_eq!(fences.len(), 1);
        assert_eq!(fences[0].info, "sql before");
        assert_eq!(fences[0].text, "CREATE TABLE t (\n  id int\n);\n");
        assert_eq!(fences[0].line, 10);
        assert_eq!(PAGE.fence("plan").as_deref(), Some("Expand\n"));
        assert_eq!(PAGE.fences("sql after"), []);
    }
}
