//! Text of an error with all its causes, in one line. The outermost error alone often says only `dispatch failure`.

use std::error::Error;

/// The text of the error, followed by the texts of its causes that it does not already end with.
pub(crate) fn display(error: &(dyn Error + 'static)) -> String {
    chain(error).skip(1).fold(error.to_string(), |text, cause| {
        let cause = cause.to_string();
        if text.ends_with(&cause) { text } else { format!("{text}: {cause}") }
    })
}

/// The first cause of this type, including the error itself.
pub(crate) fn find<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    chain(error).find_map(|cause| cause.downcast_ref::<E>())
}

fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (**error).source())
}
