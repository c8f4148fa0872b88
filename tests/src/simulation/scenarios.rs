//! Fixed stories, each a list of steps.
