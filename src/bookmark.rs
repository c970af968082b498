//! A bookmark: what somebody's last request led to, so that the next one finds it without a search. Whoever keeps it
//! knows nothing of what it points to, and keeps nothing alive by it.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

/// A place for one thing of any kind. Empty at first.
#[derive(Default)]
pub struct LastEntryHint(Mutex<Option<Weak<dyn Any + Send + Sync>>>);

impl LastEntryHint {
    /// What it points to, if there is such a thing, of this kind, and nobody else looks just now. Whether it is still
    /// what one is looking for has to be seen from the thing itself.
    pub fn find<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.0.try_lock()?.as_ref()?.upgrade()?.downcast().ok()
    }

    /// Points to this from now on.
    pub fn set<T: Any + Send + Sync>(&self, found: &Arc<T>) {
        let found: Weak<T> = Arc::downgrade(found);
        if let Some(mut place) = self.0.try_lock() {
            *place = Some(found);
        }
    }
}

/// A copy's own, and empty: it costs a search.
impl Clone for LastEntryHint {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl fmt::Debug for LastEntryHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bookmark").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bookmark_finds_what_it_was_set_to_by_its_kind_and_keeps_nothing_alive() {
        let (bookmark, word) = (LastEntryHint::default(), Arc::new("a word".to_owned()));
        assert_eq!(bookmark.find::<String>(), None);
        bookmark.set(&word);
        assert_eq!(bookmark.find(), Some(word.clone()));
        assert_eq!(bookmark.find::<u64>(), None);
        assert_eq!(bookmark.clone().find::<String>(), None);
        drop(word);
        assert_eq!(bookmark.find::<String>(), None);
    }
}
