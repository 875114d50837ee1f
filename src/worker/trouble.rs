//! The disk's trouble, told once when it begins and once when it is over. Pure.

use std::collections::BTreeSet;

use crate::model::RenditionId;

/// What was reported last, and whose segments are still missing.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    code: Option<&'static str>,
    broken: BTreeSet<RenditionId>,
}

impl Trouble {
    /// Nothing is wrong.
    pub(super) fn is_none(&self) -> bool {
        self.code.is_none()
    }

    /// A segment could not be written; true if that is news.
    pub(super) fn failed(&mut self, code: &'static str, rendition: Option<&RenditionId>) -> bool {
        self.broken.extend(rendition.cloned());
        self.code.replace(code) != Some(code)
    }

    /// A segment was written; true if the trouble is over with it. On a disk with room for some, one rendition that is
    /// written does not mean that all are.
    pub(super) fn written(&mut self, rendition: &RenditionId) -> bool {
        self.broken.remove(rendition);
        self.broken.is_empty() && self.code.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_over_when_every_rendition_is_written_again() {
        let [video, sound] = ["720p", "sound"].map(|id| RenditionId::new(id).unwrap());
        let mut trouble = Trouble::default();
        assert!(!trouble.written(&video), "there was none");
        assert!(trouble.failed("disk_full", Some(&video)));
        assert!(!trouble.failed("disk_full", Some(&video)), "no news");
        assert!(!trouble.written(&sound), "the picture is still lost");
        assert!(trouble.failed("read_only", Some(&sound)), "another fault");
        assert!(!trouble.written(&video));
        assert!(trouble.written(&sound));
        assert!(trouble.is_none());
    }
}
