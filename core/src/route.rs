//! The published view of all routes, and how answers are assembled from it.

/// An immutable view of everything that answers about routes depend on.
#[derive(Debug)]
pub struct RouteView {}
