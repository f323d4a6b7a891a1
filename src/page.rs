//! A page: the text of a change or rule, written once as documentation and used as hover, docs page and test.
