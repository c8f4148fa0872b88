//! Answers: whole frames in either header form.
