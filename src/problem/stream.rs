//! Streams: the instances of a network and their frames, unrolled into one task per frame.

use thiserror::Error;

use super::{Due, instance_name};
use crate::units::Nanoseconds;

/// A network that runs a number of times, alone or as several instances beside each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Name that is unique in the workload.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// Instances beside each other, at least one.
    pub n_instances: usize,
    /// Frames of each instance, at least one.
    pub n_frames: usize,
    /// Earliest start of the first frame.
    pub release: Nanoseconds,
    /// Time between two releases; without it all frames are released with the first one.
    pub period: Option<Nanoseconds>,
    /// Frames of an instance that may run at a time, at least one: 2 is double buffering.
    pub n_in_flight: usize,
    /// When a frame should have ended, from its release.
    pub deadline: Option<Nanoseconds>,
    /// What a nanosecond of tardiness costs.
    pub weight: u32,
    /// Streams of which each frame must have ended before the same frame of this one starts (positions).
    pub after: Vec<usize>,
}

/// One frame of one instance: what a problem has a task for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Position of its stream.
    pub stream: usize,
    /// `googlenet`, `googlenet#2`, `googlenet[0]` or `googlenet#2[0]`.
    pub name: String,
    /// The same for people.
    pub title: String,
    /// Earliest start.
    pub release: Nanoseconds,
    /// Frames that must have ended before it starts (positions).
    pub after: Vec<usize>,
    /// When it should have ended.
    pub due: Option<Due>,
    /// The first frame of the same instance, unless it is that one.
    pub frame_of: Option<usize>,
}

/// Why streams can't be unrolled.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "fields are the names and numbers that the sentence prints")]
pub enum StreamError {
    /// More frames than can be scheduled.
    #[error("there are {total} frames in all ({counts}), and at most {most} can be scheduled together")]
    TooMany { total: usize, counts: String, most: usize },
    /// Two streams whose frames don't pair.
    #[error(
        "`{name}` runs after `{before}`, each {what} after the same one, but has {found} {what}(s) and `{before}` has \
         {expected}"
    )]
    Unequal { name: String, before: String, what: &'static str, found: usize, expected: usize },
}

/// The frames of `streams`: stream after stream, instance after instance, each instance's frames in their order.
///
/// # Errors
/// Where there are more than `most` frames, or where one stream runs after another with other numbers of instances or
/// frames.
pub fn unroll(streams: &[Stream], most: usize) -> Result<Vec<Frame>, StreamError> {
    let total = streams.iter().fold(0_usize, |sum, stream| sum.saturating_add(size(stream)));
    if total > most {
        return Err(StreamError::TooMany { total, counts: counts(streams), most });
    }
    streams.iter().try_for_each(|stream| pairs_with(stream, streams))?;
    let mut firsts = Vec::with_capacity(streams.len());
    let mut next = 0;
    for stream in streams {
        firsts.push(next);
        next += size(stream);
    }
    let ids = streams.iter().enumerate().flat_map(|(stream, it)| {
        (0..it.n_instances).flat_map(move |instance| (0..it.n_frames).map(move |frame| (stream, instance, frame)))
    });
    Ok(ids.map(|id| frame(streams, &firsts, id)).collect())
}

fn size(stream: &Stream) -> usize {
    stream.n_instances.saturating_mul(stream.n_frames)
}

/// `googlenet: 2 instances of 4 frames, resnet: 1 instance of 30 frames`.
fn counts(streams: &[Stream]) -> String {
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let of_stream = |stream: &Stream| {
        let Stream { name, n_instances, n_frames, .. } = stream;
        format!("{name}: {} of {}", count(*n_instances, "instance"), count(*n_frames, "frame"))
    };
    streams.iter().map(of_stream).collect::<Vec<_>>().join(", ")
}

/// Refuses a stream after one with other numbers of instances or frames.
fn pairs_with(stream: &Stream, streams: &[Stream]) -> Result<(), StreamError> {
    for before in stream.after.iter().map(|&before| &streams[before]) {
        let differs = |what, found, expected| StreamError::Unequal {
            name: stream.name.clone(),
            before: before.name.clone(),
            what,
            found,
            expected,
        };
        if stream.n_instances != before.n_instances {
            return Err(differs("instance", stream.n_instances, before.n_instances));
        }
        if stream.n_frames != before.n_frames {
            return Err(differs("frame", stream.n_frames, before.n_frames));
        }
    }
    Ok(())
}

fn frame(streams: &[Stream], firsts: &[usize], (idx, instance, frame): (usize, usize, usize)) -> Frame {
    let stream = &streams[idx];
    let position = |stream: usize, frame: usize| firsts[stream] + instance * streams[stream].n_frames + frame;
    let period = stream.period.unwrap_or_default();
    let release = Nanoseconds(stream.release.0.saturating_add(period.0.saturating_mul(frame as u64)));
    let due = stream
        .deadline
        .map(|deadline| Due { at: Nanoseconds(release.0.saturating_add(deadline.0)), weight: stream.weight });
    let earlier = frame.checked_sub(stream.n_in_flight).map(|earlier| position(idx, earlier));
    let after = earlier.into_iter().chain(stream.after.iter().map(|&before| position(before, frame))).collect();
    let (name, title) = names(stream, instance, frame);
    Frame { stream: idx, name, title, release, after, due, frame_of: (frame > 0).then(|| position(idx, 0)) }
}

/// Instances count from 1, as people do, and frames from 0. A title has no number where reports number equal ones.
fn names(stream: &Stream, instance: usize, frame: usize) -> (String, String) {
    let Stream { name, title, n_instances, n_frames, .. } = stream;
    let name = instance_name(name, instance);
    match (n_frames, n_instances) {
        (1, _) => (name, title.clone()),
        (_, 1) => (format!("{name}[{frame}]"), format!("{title} [{frame}]")),
        _ => (format!("{name}[{frame}]"), format!("{title} #{} [{frame}]", instance + 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(name: &str, n_instances: usize, n_frames: usize) -> Stream {
        Stream {
            name: name.to_owned(),
            title: name.to_uppercase(),
            n_instances,
            n_frames,
            release: Nanoseconds(5),
            period: None,
            n_in_flight: 1,
            deadline: None,
            weight: 1,
            after: Vec::new(),
        }
    }

    #[test]
    fn frames_follow_each_other_and_the_stream_before() {
        let b = Stream { after: vec![0], ..stream("b", 2, 2) };
        let frames = unroll(&[stream("a", 2, 2), b], 8).unwrap();
        let names: Vec<&str> = frames.iter().map(|frame| &*frame.name).collect();
        assert_eq!(names, ["a[0]", "a[1]", "a#2[0]", "a#2[1]", "b[0]", "b[1]", "b#2[0]", "b#2[1]"]);
        let after: Vec<_> = frames.iter().map(|frame| &*frame.after).collect();
        let expected: [&[usize]; 8] = [&[], &[0], &[], &[2], &[0], &[4, 1], &[2], &[6, 3]];
        assert_eq!(after, expected);
        let frame_of: Vec<_> = frames.iter().map(|frame| frame.frame_of).collect();
        assert_eq!(frame_of, [None, Some(0), None, Some(2), None, Some(4), None, Some(6)]);
        assert_eq!(frames[3].title, "A #2 [1]");
    }

    #[test]
    fn a_period_moves_releases_and_deadlines_and_double_buffering_the_edges() {
        let (period, deadline) = (Some(Nanoseconds(10)), Some(Nanoseconds(7)));
        let stream = Stream { period, deadline, n_in_flight: 2, weight: 3, ..stream("a", 1, 3) };
        let frames = unroll(&[stream], 3).unwrap();
        assert_eq!(frames.iter().map(|frame| frame.release.0).collect::<Vec<_>>(), [5, 15, 25]);
        assert_eq!(frames[2].due, Some(Due { at: Nanoseconds(32), weight: 3 }));
        assert_eq!(frames.iter().map(|frame| frame.after.clone()).collect::<Vec<_>>(), [vec![], vec![], vec![0]]);
    }

    #[test]
    fn a_single_frame_is_called_by_its_network() {
        let frames = unroll(&[stream("a", 2, 1)], 2).unwrap();
        assert_eq!((&*frames[0].name, &*frames[1].name), ("a", "a#2"));
        assert_eq!((&*frames[0].title, &*frames[1].title), ("A", "A"));
    }

    #[test]
    fn too_many_frames_and_frames_that_do_not_pair_are_refused() {
        let error = unroll(&[stream("a", 3, 10), stream("b", 1, 3)], 32).unwrap_err().to_string();
        let expected = "there are 33 frames in all (a: 3 instances of 10 frames, b: 1 instance of 3 frames), and at most 32 can \
                        be scheduled together";
        assert_eq!(error, expected);
        assert!(unroll(&[stream("a", usize::MAX, 2)], 32).is_err());
        let b = Stream { after: vec![0], ..stream("b", 1, 3) };
        let error = unroll(&[stream("a", 1, 2), b], 32).unwrap_err().to_string();
        assert_eq!(error, "`b` runs after `a`, each frame after the same one, but has 3 frame(s) and `a` has 2");
    }
}
