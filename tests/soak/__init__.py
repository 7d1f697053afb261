"""Half the capacity for half an hour: is memory flat, is nothing left behind?"""
