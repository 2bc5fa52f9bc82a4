"""What samples shall be, as a person says it: of each entry that a system makes its samples of, a value.

On the command line --given NAME=VALUE, once for each; in Python given={name: value}. --label and --text are short for two.

label            a class, by name or number; or all attributes, as hair_color=red,glasses=0, or as 1,0,0,1
text             a caption
named numbers    smile=0.5,frown=1, those that are not named being 0; or all of them, as 0.5,0,1
anything         a file that its medium reads; or data, for what the examples of the run's own data have there, one after the
                 other, or data:7 for that of example 7

A label that nobody says is every class in turn. Nothing else is ever made up.
"""

from jaxgan.conditions.given import Given, assigned, complete, held, merged, values
from jaxgan.conditions.labels import parse_label

__all__ = ["Given", "assigned", "complete", "held", "merged", "parse_label", "values"]
